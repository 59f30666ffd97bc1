/** One story with the generated client: from a new account to its last socket. */

import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit.SECONDS
import kotlin.system.exitProcess
import okhttp3.OkHttpClient
import okhttp3.Request
import okhttp3.Response
import okhttp3.WebSocket
import okhttp3.WebSocketListener
import service.client.apis.AuthApi
import service.client.apis.RoomsApi
import service.client.apis.SessionsApi
import service.client.infrastructure.ApiClient
import service.client.infrastructure.ClientError
import service.client.infrastructure.ClientException
import service.client.infrastructure.Serializer
import service.client.models.Credentials
import service.client.models.Grant
import service.client.models.NewMessage
import service.client.models.NewRoom
import service.client.models.Problem
import service.client.models.RefreshRequest
import service.client.models.Role

/** What a socket hears: that it is open, texts, and at last the code that it is closed with. */
private class Ear : WebSocketListener() {
    private val heard = LinkedBlockingQueue<Any>()

    override fun onOpen(webSocket: WebSocket, response: Response) {
        heard.add("open as ${response.header("sec-websocket-protocol")}")
    }

    override fun onMessage(webSocket: WebSocket, text: String) {
        heard.add(text)
    }

    override fun onClosing(webSocket: WebSocket, code: Int, reason: String) {
        heard.add(code)
    }

    override fun onFailure(webSocket: WebSocket, t: Throwable, response: Response?) {
        heard.add(t)
    }

    /** The next that it hears, within seconds. */
    fun next(): Any? = heard.poll(10, SECONDS)
}

private fun expect(promised: Any?, found: Any?) {
    if (promised != found) throw AssertionError("$promised is promised, and not $found")
}

/** The call is answered with a problem of that type. */
private fun bad(status: Int, type: String, call: () -> Any) {
    val answer =
        try {
            throw AssertionError("$type is promised, and not ${call()}")
        } catch (refused: ClientException) {
            refused.response as ClientError<*>
        }
    val problem = Serializer.moshi.adapter(Problem::class.java).fromJson(answer.body as String)!!
    expect(status, problem.status)
    expect("urn:problem-type:$type", problem.type)
    expect(status, answer.statusCode)
}

private fun story(service: String, http: OkHttpClient) {
    val ann = Credentials(username = "ann", password = "correct horse battery staple")

    // An account.
    val auth = AuthApi(service, http)
    val account = auth.register(ann)
    expect("ann", account.username)
    bad(409, "name-taken") { auth.register(ann) }
    bad(401, "invalid-credentials") { auth.login(ann.copy(password = "wrong")) }

    // A session.
    val first = auth.login(ann)
    expect("Bearer", first.tokenType)
    val tokens = auth.refresh(RefreshRequest(first.refreshToken))
    expect(false, tokens.refreshToken == first.refreshToken)
    ApiClient.accessToken = tokens.accessToken
    val me = auth.me()
    expect(account.id to "ann", me.id to me.username)
    val sessions = SessionsApi(service, http).listSessions().sessions
    expect(listOf(me.session to true), sessions.map { it.id to it.current })

    // A room, and a socket in it.
    val rooms = RoomsApi(service, http)
    val made = rooms.createRoom(NewRoom("Tea at five"))
    expect(Role.owner, made.role)
    val key = rooms.roomToken(made.room)
    expect(made.room to Grant.rw, key.room to key.grant)
    val ear = Ear()
    val request =
        Request.Builder()
            .url("$service/ws")
            .header("Sec-WebSocket-Protocol", "bearer, ${key.accessToken}")
            .build()
    val socket = http.newWebSocket(request, ear)
    expect("open as bearer", ear.next())
    socket.send("hello")
    expect("hello", ear.next())

    // Said over HTTP, twice with one key, heard once.
    val data = mapOf("who" to "brings cake?")
    val said = rooms.publish(made.room, NewMessage(data), "cake")
    expect(said, rooms.publish(made.room, NewMessage(data), "cake"))
    expect("""{"who":"brings cake?"}""", ear.next())
    socket.send("bye")
    expect("bye", ear.next())
    val past = rooms.history(made.room).messages
    expect(listOf("hello", data, "bye"), past.map { it.`data` })
    expect(setOf(account.id), past.map { it.from }.toSet())
    val after = rooms.history(made.room, since = said.position, limit = 10)
    expect(true to listOf("bye"), after.recovered to after.messages.map { it.`data` })

    // The end of it all.
    auth.logout()
    expect(4503, ear.next())
    bad(401, "invalid-token") { auth.me() }
}

fun main() {
    try {
        story(System.getenv("SERVICE"), OkHttpClient())
    } catch (broken: Throwable) {
        broken.printStackTrace()
        exitProcess(1)
    }
    // Threads of the HTTP client would go on for a minute.
    exitProcess(0)
}
