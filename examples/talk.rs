//! Sits in a room from the command line: what you type is said, what is said
//! is printed. The smallest client of the gateway.
//!
//! `cargo run --example talk -- ws://127.0.0.1:9000/ws "$TOKEN"`

use std::error::Error;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncBufReadExt, BufReader, stdin};
use tokio_tungstenite::{
    connect_async,
    tungstenite::{Message, client::ClientRequestBuilder},
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(url), Some(token)) = (arguments.next(), arguments.next()) else {
        return Err("usage: talk ws://HOST:PORT/ws ACCESS_TOKEN".into());
    };
    let request = ClientRequestBuilder::new(url.parse()?)
        .with_sub_protocol("bearer")
        .with_sub_protocol(token);
    let (mut socket, _) = connect_async(request).await?;
    println!("in the room; type, and press enter");

    let mut lines = BufReader::new(stdin()).lines();
    let mut typing = true;
    loop {
        tokio::select! {
            line = lines.next_line(), if typing => match line? {
                Some(line) => socket.send(Message::text(line)).await?,
                None => typing = false,
            },
            heard = socket.next() => match heard.transpose()? {
                Some(Message::Text(text)) => println!("< {text}"),
                Some(Message::Binary(data)) => println!("< {} bytes", data.len()),
                Some(Message::Close(Some(close))) => {
                    println!("closed: {} {}", close.code, close.reason);
                    return Ok(());
                }
                Some(_) => {}
                None => return Ok(()),
            },
        }
    }
}
