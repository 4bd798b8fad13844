#!/bin/sh
# Creates the secrets that docker-compose.yml reads, and keeps existing ones. Usage: sh deploy/make-secrets.sh [FOLDER],
# by default secrets.
# Any user of a container can read the files, because user ids differ from image to image. On the host only the owner
# can enter the folder.
set -eu
folder="${1:-secrets}"
umask 077
mkdir -p "$folder"
for name in postgres_password temporal_database_password tidemark_database_password grafana_password; do
  [ -e "$folder/$name" ] || openssl rand -hex 24 | tr -d '\n' >"$folder/$name"
done
# This key decrypts the credentials of every mailbox: keep a copy apart from the backups of the database.
[ -e "$folder/tidemark_secret_key" ] || openssl rand -base64 32 | tr -d '\n' >"$folder/tidemark_secret_key"
chmod 444 "$folder"/*
case "$folder" in
/*) named="$folder" ;;
*) named="./$folder" ;;
esac
echo "Secrets are in $folder. Name the folder in .env: TIDEMARK_SECRETS=$named"
