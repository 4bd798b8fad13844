#!/bin/sh
# Makes the secrets that docker-compose.yml reads, once: what is there stays. Usage: sh deploy/make-secrets.sh [FOLDER], by default secrets.
# The files can be read by any user of a container, whose ids differ from image to image; the folder lets nobody in but its owner.
set -eu
folder="${1:-secrets}"
umask 077
mkdir -p "$folder"
for name in postgres_password temporal_database_password tidemark_database_password grafana_password; do
  [ -e "$folder/$name" ] || openssl rand -hex 24 | tr -d '\n' >"$folder/$name"
done
# It decrypts the credentials of every mailbox: keep a copy apart from the backups of the database.
[ -e "$folder/tidemark_secret_key" ] || openssl rand -base64 32 | tr -d '\n' >"$folder/tidemark_secret_key"
chmod 444 "$folder"/*
echo "Secrets are in $folder. Name the folder in .env: TIDEMARK_SECRETS=./$folder"
