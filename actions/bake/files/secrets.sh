# Values for this boot only, in memory: no block of the disk, and so no image, ever holds them.
# Set by server.py: VALUES (base64 of the lines of an environment file; empty: none).
if [ -n "$VALUES" ]; then
    mkdir -p "$MEMORY"
    chown root:photo-api "$MEMORY"
    chmod 750 "$MEMORY"
    (umask 077 && printf '%s' "$VALUES" | base64 -d >"$MEMORY/.env.build.new")
    chown root:photo-api "$MEMORY/.env.build.new"
    chmod 640 "$MEMORY/.env.build.new"
    mv -T "$MEMORY/.env.build.new" "$MEMORY/.env.build"
    [ ! -d "$HOME_OF/app" ] || ln -sfn "$MEMORY/.env.build" "$HOME_OF/app/.env.build"
fi
