// One story with the generated client: from a new account to its last socket.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/coder/websocket"

	"story/service"
)

// patience is how long anything may take.
const patience = 10 * time.Second

func fail(err error) {
	if err != nil {
		panic(err)
	}
}

// expect says what is promised, and fails unless that was found.
func expect(promised, found any) {
	if !reflect.DeepEqual(promised, found) {
		panic(fmt.Sprintf("%v is promised, and not %v", promised, found))
	}
}

// good is what came as promised.
func good[T any](found *T) T {
	if found == nil {
		panic(fmt.Sprintf("%T is promised, and not something else", found))
	}
	return *found
}

// bad expects a problem of that type.
func bad(problem *service.Problem, status int32, kind string) {
	found := good(problem)
	expect(status, found.Status)
	expect("urn:problem-type:"+kind, found.Type)
}

// heard expects that to be the next message.
func heard(ctx context.Context, socket *websocket.Conn, what string) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, data, err := socket.Read(ctx)
	fail(err)
	expect(what, string(data))
}

func main() {
	ctx := context.Background()
	address := os.Getenv("SERVICE")
	client, err := service.NewClientWithResponses(address)
	fail(err)
	ann := service.Credentials{Username: "ann", Password: "correct horse battery staple"}

	// An account.
	registered, err := client.RegisterWithResponse(ctx, ann)
	fail(err)
	account := good(registered.JSON201)
	expect("ann", account.Username)
	taken, err := client.RegisterWithResponse(ctx, ann)
	fail(err)
	bad(taken.ApplicationproblemJSON409, 409, "name-taken")
	wrong, err := client.LoginWithResponse(ctx, service.Credentials{Username: "ann", Password: "wrong"})
	fail(err)
	bad(wrong.ApplicationproblemJSON401, 401, "invalid-credentials")

	// A session.
	login, err := client.LoginWithResponse(ctx, ann)
	fail(err)
	first := good(login.JSON200)
	expect("Bearer", first.TokenType)
	refreshed, err := client.RefreshWithResponse(ctx, service.RefreshRequest{RefreshToken: first.RefreshToken})
	fail(err)
	tokens := good(refreshed.JSON200)
	expect(true, tokens.RefreshToken != first.RefreshToken)
	own, err := service.NewClientWithResponses(address, service.WithRequestEditorFn(
		func(_ context.Context, request *http.Request) error {
			request.Header.Set("Authorization", "Bearer "+tokens.AccessToken)
			return nil
		}))
	fail(err)
	mine, err := own.MeWithResponse(ctx)
	fail(err)
	me := good(mine.JSON200)
	expect(account.Id, me.Id)
	expect("ann", me.Username)
	listed, err := own.ListSessionsWithResponse(ctx)
	fail(err)
	sessions := good(listed.JSON200).Sessions
	expect(1, len(sessions))
	expect(me.Session, sessions[0].Id)
	expect(true, sessions[0].Current)

	// A room, and a socket in it.
	created, err := own.CreateRoomWithResponse(ctx, service.NewRoom{Title: "Tea at five"})
	fail(err)
	made := good(created.JSON201)
	expect(service.Owner, made.Role)
	opened, err := own.RoomTokenWithResponse(ctx, made.Room)
	fail(err)
	key := good(opened.JSON200)
	expect(made.Room, key.Room)
	expect(service.Rw, key.Grant)
	socket, _, err := websocket.Dial(ctx, strings.Replace(address, "http", "ws", 1)+"/ws",
		&websocket.DialOptions{Subprotocols: []string{"bearer", key.AccessToken}})
	fail(err)
	expect("bearer", socket.Subprotocol())
	fail(socket.Write(ctx, websocket.MessageText, []byte("hello")))
	heard(ctx, socket, "hello")

	// Said over HTTP, twice with one key, heard once.
	name := "cake"
	cake := service.NewMessage{Data: map[string]any{"who": "brings cake?"}}
	params := service.PublishParams{IdempotencyKey: &name}
	once, err := own.PublishWithResponse(ctx, made.Room, &params, cake)
	fail(err)
	again, err := own.PublishWithResponse(ctx, made.Room, &params, cake)
	fail(err)
	said := good(once.JSON201)
	expect(said, good(again.JSON201))
	text, err := json.Marshal(cake.Data)
	fail(err)
	heard(ctx, socket, string(text))
	fail(socket.Write(ctx, websocket.MessageText, []byte("bye")))
	heard(ctx, socket, "bye")
	all, err := own.HistoryWithResponse(ctx, made.Room, nil)
	fail(err)
	var past []any
	for _, message := range good(all.JSON200).Messages {
		past = append(past, message.Data)
		expect(me.Id, good(message.From))
	}
	expect([]any{"hello", cake.Data, "bye"}, past)
	limit := int32(10)
	since, err := own.HistoryWithResponse(ctx, made.Room, &service.HistoryParams{Since: said.Position, Limit: &limit})
	fail(err)
	after := good(since.JSON200)
	expect(true, good(after.Recovered))
	expect(1, len(after.Messages))
	expect("bye", after.Messages[0].Data)

	// The end of it all.
	out, err := own.LogoutWithResponse(ctx, nil)
	fail(err)
	expect(http.StatusNoContent, out.StatusCode())
	ending, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, _, err = socket.Read(ending)
	var closed websocket.CloseError
	expect(true, errors.As(err, &closed))
	expect(websocket.StatusCode(4503), closed.Code)
	nobody, err := own.MeWithResponse(ctx)
	fail(err)
	bad(nobody.ApplicationproblemJSON401, 401, "invalid-token")
}
