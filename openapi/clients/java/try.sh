#!/bin/sh
# Builds the client in $OUT, then the story with it, and tells it to $SERVICE.
set -eu
cd "$(dirname "$0")"
mvn --quiet --batch-mode --file "$OUT/pom.xml" -DskipTests package \
	org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies -DoutputDirectory="$OUT/lib"
classes="$OUT/target/client-0.0.0.jar:$OUT/lib/*"
javac -Xlint:all,-processing -Werror -cp "$classes" -d "$OUT/story" Story.java
exec java -cp "$OUT/story:$classes" Story
