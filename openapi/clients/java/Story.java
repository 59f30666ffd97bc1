import com.fasterxml.jackson.core.JsonProcessingException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import service.client.ApiClient;
import service.client.ApiException;
import service.client.api.AuthApi;
import service.client.api.RoomsApi;
import service.client.api.SessionsApi;
import service.client.model.Credentials;
import service.client.model.Grant;
import service.client.model.Message;
import service.client.model.NewMessage;
import service.client.model.NewRoom;
import service.client.model.Problem;
import service.client.model.RefreshRequest;
import service.client.model.Role;

/** One story with the generated client: from a new account to its last socket. */
public final class Story {
  private Story() {}

  /** Something that the service refuses. */
  private interface Call {
    void make() throws ApiException;
  }

  /** What a socket hears: texts, and at last the code that it is closed with. */
  private static final class Ear implements WebSocket.Listener {
    private final LinkedBlockingQueue<Object> heard = new LinkedBlockingQueue<>();
    private final StringBuilder text = new StringBuilder();

    @Override
    public CompletionStage<?> onText(WebSocket socket, CharSequence part, boolean last) {
      text.append(part);
      if (last) {
        heard.add(text.toString());
        text.setLength(0);
      }
      socket.request(1);
      return null;
    }

    @Override
    public CompletionStage<?> onClose(WebSocket socket, int code, String reason) {
      heard.add(code);
      return null;
    }

    @Override
    public void onError(WebSocket socket, Throwable error) {
      heard.add(error);
    }

    /** The next that it hears, within seconds. */
    Object next() throws InterruptedException {
      return heard.poll(10, TimeUnit.SECONDS);
    }
  }

  private static void expect(Object promised, Object found) {
    if (!Objects.equals(promised, found)) {
      throw new AssertionError(promised + " is promised, and not " + found);
    }
  }

  /** The call is answered with a problem of that type. */
  private static void bad(Call call, int status, String type) throws JsonProcessingException {
    try {
      call.make();
    } catch (ApiException refused) {
      var problem = ApiClient.createDefaultObjectMapper().readValue(refused.getResponseBody(), Problem.class);
      expect(status, problem.getStatus());
      expect("urn:problem-type:" + type, problem.getType());
      expect(status, refused.getCode());
      return;
    }
    throw new AssertionError(type + " is promised, and not success");
  }

  /** Tells it. */
  public static void main(String[] arguments) throws Exception {
    var service = System.getenv("SERVICE");
    var client = new ApiClient();
    client.updateBaseUri(service);
    var ann = new Credentials().username("ann").password("correct horse battery staple");

    // An account.
    var auth = new AuthApi(client);
    var account = auth.register(ann);
    expect("ann", account.getUsername());
    bad(() -> auth.register(ann), 409, "name-taken");
    var wrong = new Credentials().username("ann").password("wrong");
    bad(() -> auth.login(wrong), 401, "invalid-credentials");

    // A session.
    var first = auth.login(ann);
    expect("Bearer", first.getTokenType());
    var tokens = auth.refresh(new RefreshRequest().refreshToken(first.getRefreshToken()));
    expect(false, tokens.getRefreshToken().equals(first.getRefreshToken()));
    var own = new ApiClient();
    own.updateBaseUri(service);
    own.setRequestInterceptor(request -> request.header("Authorization", "Bearer " + tokens.getAccessToken()));
    var mine = new AuthApi(own);
    var me = mine.me();
    expect(account.getId(), me.getId());
    expect("ann", me.getUsername());
    var sessions = new SessionsApi(own).listSessions().getSessions();
    expect(1, sessions.size());
    expect(me.getSession(), sessions.get(0).getId());
    expect(true, sessions.get(0).getCurrent());

    // A room, and a socket in it.
    var rooms = new RoomsApi(own);
    var made = rooms.createRoom(new NewRoom().title("Tea at five"));
    expect(Role.OWNER, made.getRole());
    var room = made.getRoom();
    var key = rooms.roomToken(room);
    expect(room, key.getRoom());
    expect(Grant.RW, key.getGrant());
    var ear = new Ear();
    var socket =
        HttpClient.newHttpClient()
            .newWebSocketBuilder()
            .subprotocols("bearer", key.getAccessToken())
            .buildAsync(URI.create(service.replaceFirst("http", "ws") + "/ws"), ear)
            .get(10, TimeUnit.SECONDS);
    expect("bearer", socket.getSubprotocol());
    socket.sendText("hello", true).get(10, TimeUnit.SECONDS);
    expect("hello", ear.next());

    // Said over HTTP, twice with one key, heard once.
    var data = Map.of("who", "brings cake?");
    var cake = new NewMessage().data(data);
    var said = rooms.publish(room, cake, "cake");
    expect(said, rooms.publish(room, cake, "cake"));
    expect("{\"who\":\"brings cake?\"}", ear.next());
    socket.sendText("bye", true).get(10, TimeUnit.SECONDS);
    expect("bye", ear.next());
    var past = rooms.history(room, null, null).getMessages();
    expect(List.of("hello", data, "bye"), past.stream().map(Message::getData).toList());
    expect(true, past.stream().allMatch(message -> account.getId().equals(message.getFrom())));
    var after = rooms.history(room, said.getPosition(), 10);
    expect(true, after.getRecovered());
    expect(List.of("bye"), after.getMessages().stream().map(Message::getData).toList());

    // The end of it all.
    mine.logout(null);
    expect(4503, ear.next());
    bad(mine::me, 401, "invalid-token");
  }
}
