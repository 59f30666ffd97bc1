#!/bin/sh
# Makes the secrets that are missing, in the folder `secrets` beside this file.
set -eu
cd "$(dirname "$0")"
mkdir -p -m 700 secrets

# Containers read them under users of their own, so the folder keeps others out.
secret() {
	[ -e "secrets/$1" ] || (umask 222 && printf '%s\n' "$2" >"secrets/$1")
}

secret jwt_secret "$(openssl rand -hex 32)"
{%- if store != "sqlite" %}
secret postgres_password "$(openssl rand -hex 24)"
secret database_url "postgres://service:$(cat secrets/postgres_password)@postgres:5432/service"
{%- endif %}
{%- if bus != "memory" %}
secret nats_password "$(openssl rand -hex 24)"
password=$(cat secrets/nats_password)
secret nats_users.conf "authorization { user: service, password: \"$password\" }"
secret nats_url "nats://service:$password@nats-1:4222,nats://service:$password@nats-2:4222,nats://service:$password@nats-3:4222"
{%- endif %}
