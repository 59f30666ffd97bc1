use super::*;

fn list(entries: &[&str]) -> AllowedOrigins {
    AllowedOrigins::parse(entries.iter().copied()).unwrap()
}

#[test]
fn a_listed_page_may_call() {
    let origins = list(&[
        "http://localhost:3000",
        "https://Example.COM",
        "https://shop.example.com:8443",
        "http://plain.example:80",
        "http://[2001:DB8::0001]:8080",
        "https://b\u{fc}cher.example",
        "tauri://LocalHost",
    ]);
    for origin in [
        "http://localhost:3000",
        "https://example.com",
        "https://shop.example.com:8443",
        "http://plain.example",
        "http://[2001:db8::1]:8080",
        "https://xn--bcher-kva.example",
        "tauri://localhost",
    ] {
        assert!(origins.allows(origin.as_bytes()), "{origin}");
    }
}

#[test]
fn a_page_that_looks_like_it_may_not() {
    let origins = list(&[
        "https://example.com",
        "http://localhost:3000",
        "http://plain.example",
        "http://[2001:db8::1]:8080",
        "https://b\u{fc}cher.example",
    ]);
    let tricks: &[&[u8]] = &[
        b"",
        b"null",
        b"NULL",
        b"*",
        b"https://",
        b"example.com",
        b"//example.com",
        b"http://example.com",
        b"https://example.com:444",
        b"https://example.com:443",
        b"http://plain.example:80",
        b"http://[2001:db8:0::1]:8080",
        b"http://[2001:DB8::1]:8080",
        b"http://[2001:db8::1]",
        b"http://[2001:db8::1%25lo]:8080",
        b"http://2001:db8::1:8080",
        "https://b\u{fc}cher.example".as_bytes(),
        b"https://example.com:",
        b"https://example.com.",
        b"https://example.com.evil.test",
        b"https://evil-example.com",
        b"https://evil.test/https://example.com",
        b"https://example.com@evil.test",
        b"https://user@example.com",
        b"https://user:secret@example.com",
        b"https://example.com/",
        b"https://example.com/path",
        b"https://example.com?x",
        b"https://example.com#x",
        b"https://example.com\\",
        b"https:\\\\example.com",
        b"https:/example.com",
        b"https://example.com https://evil.test",
        b"https://evil.test https://example.com",
        b"https://example.com,https://evil.test",
        b" https://example.com",
        b"https://example.com ",
        b"https://example.com\t",
        b"https://exam\tple.com",
        b"https://example.com\0",
        b"https://example.com%00",
        b"https://ex%61mple.com",
        b"https://example.com\xff",
        "https://ex\u{430}mple.com".as_bytes(),
        "https://\u{ff45}xample.com".as_bytes(),
        b"HTTPS://EXAMPLE.COM",
        b"http://localhost",
        b"http://localhost:30000",
        b"http://localhost:3000.evil.test",
        b"http://localhost:03000",
        b"http://localhost:3000:3000",
        b"http://127.0.0.1:3000",
        &[b"https://example.com".as_slice(), &[b'a'; 1 << 20]].concat(),
        &b"https://example.com".repeat(1 << 16),
    ];
    for origin in tricks {
        let text = String::from_utf8_lossy(origin.get(..99).unwrap_or(origin));
        assert!(!origins.allows(origin), "{text:?}");
    }
}

#[test]
fn any_page_is_still_a_page() {
    let origins = list(&["*"]);
    assert!(origins.any());
    assert!(origins.allows(b"https://anywhere.test"));
    for origin in [
        &b"null"[..],
        b"",
        b"*",
        b"https://user@example.com",
        b"https://example.com/",
        b"https://example.com, https://evil.test",
        b"\xff",
        &[b"https://".as_slice(), &[b'a'; 1 << 20], b"/"].concat(),
        &[b"https://xn--".as_slice(), &[b'9'; 1 << 20]].concat(),
        "https://\u{fc}".repeat(1 << 16).as_bytes(),
        format!("https://{}", "\u{fc}".repeat(1 << 16)).as_bytes(),
    ] {
        let text = String::from_utf8_lossy(origin.get(..99).unwrap_or(origin));
        assert!(!origins.allows(origin), "{text:?}");
    }
    assert!(!list(&[]).allows(b"https://anywhere.test"));
}

#[test]
fn a_page_of_the_host_is_known() {
    for (origin, host) in [
        ("http://127.0.0.1:9000", "127.0.0.1:9000"),
        ("http://localhost:9000", "localhost:9000"),
        ("http://localhost:9000", "LocalHost:9000"),
        ("http://[::1]:9000", "[::1]:9000"),
        ("http://example.com", "example.com"),
        ("http://example.com", "example.com:80"),
        // Behind a proxy that speaks TLS.
        ("https://example.com", "example.com"),
        ("https://example.com", "example.com:443"),
        ("https://example.com:8443", "example.com:8443"),
    ] {
        let same = AllowedOrigins::is_of_host(origin.as_bytes(), host.as_bytes());
        assert!(same, "{origin} {host}");
    }
}

#[test]
fn a_page_that_looks_like_one_of_the_host_is_not() {
    let host = "example.com:9000";
    for origin in [
        "",
        "null",
        "*",
        host,
        "//example.com:9000",
        "http://example.com",
        "http://example.com:9001",
        "http://example.com:90000",
        "http://example.com:9000.evil.test",
        "http://example.com.evil.test:9000",
        "http://evil-example.com:9000",
        "http://evil.test/http://example.com:9000",
        "http://evil.test#@example.com:9000",
        "http://evil.test@example.com:9000",
        "http://user:pw@example.com:9000",
        "http://example.com:9000@evil.test",
        "http://example.com:9000/",
        "http://example.com:9000?",
        "http://example.com:9000#",
        "http://example.com:09000",
        "http://EXAMPLE.com:9000",
        "HTTP://example.com:9000",
        " http://example.com:9000",
        "http://example.com:9000 http://evil.test",
        "ws://example.com:9000",
        "ftp://example.com:9000",
        "tauri://example.com:9000",
    ] {
        let same = AllowedOrigins::is_of_host(origin.as_bytes(), host.as_bytes());
        assert!(!same, "{origin}");
    }
    for (origin, host) in [
        ("http://evil.test", "evil.test@example.com"),
        ("http://example.com", "evil.test@example.com"),
        ("http://user@example.com", "user@example.com"),
        ("http://example.com/", "example.com/"),
        ("http://example.com#", "example.com#"),
        ("http://example.com", "example.com/x"),
        ("http://example.com", "example.com\t"),
        ("http://example.com", "ex%61mple.com"),
        ("http://null", ""),
        ("http://", ""),
        ("null", "null"),
        ("http://*", "*"),
        ("http://example.com:443", "example.com:443:443"),
        ("https://example.com", "example.com:80"),
        ("http://example.com", "example.com:443"),
    ] {
        let same = AllowedOrigins::is_of_host(origin.as_bytes(), host.as_bytes());
        assert!(!same, "{origin} {host}");
    }
    assert!(!AllowedOrigins::is_of_host(b"http://a\xff", b"a\xff"));
}

#[test]
fn what_is_no_origin_is_named() {
    for entry in [
        "",
        "null",
        "localhost:3000",
        "example.com",
        "https://",
        "https://example.com/",
        "https://example.com/app",
        "https://example.com?x=1",
        "https://example.com#x",
        "https://*.example.com",
        "https://example.com:*",
        "https://example.com:",
        "https://example.com:99999",
        "https://exa mple.com",
        "https://example.com\\",
        "https://ex%61mple.com",
        "https://[::1",
        "wss://example.com",
        "file:///index.html",
    ] {
        let error = AllowedOrigins::parse([entry, "https://fine.example"]).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(&format!("{entry:?}")), "{text}");
        assert!(!text.contains("fine.example"), "{text}");
    }
}

#[test]
fn a_password_in_a_url_is_not_repeated() {
    let error = AllowedOrigins::parse(["https://user:canary@example.com"]).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("example.com") && !text.contains("canary"),
        "{text}"
    );
}

#[test]
fn pages_without_tls_are_told_apart() {
    let origins = list(&[
        "http://localhost:3000",
        "http://app.localhost",
        "http://127.0.0.2:1",
        "http://[::1]:1",
        "https://example.com",
        "http://example.com",
        "http://10.0.0.1",
    ]);
    let plain: Vec<&str> = origins.plain_remote().collect();
    assert_eq!(plain, ["http://10.0.0.1", "http://example.com"]);
}
