# The first boot is over, and the packages that are wanted are there. Set by server.py: PACKAGES PYTHON BOOT_SECONDS.
left=$BOOT_SECONDS
while [ -d /run/cloud-init ] && [ ! -e /run/cloud-init/disabled ] && [ ! -e /var/lib/cloud/instance/boot-finished ]; do
    [ "$left" -gt 0 ] || fail "cloud-init has not finished the first boot within $BOOT_SECONDS s"
    sleep 1
    left=$((left - 1))
done
begin_change

missing=
for package in $PACKAGES; do
    state=$(dpkg-query --show --showformat '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing="$missing $package"
done
if [ -n "$missing" ]; then
    # A server's own upgrades may hold the lock after its first boot.
    set -- --quiet --yes -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3
    quietly 'the package lists cannot be had' apt-get "$@" update
    # shellcheck disable=SC2086  # one word per package
    quietly "apt cannot install$missing" apt-get "$@" install --no-install-recommends $missing
fi
command -v "$PYTHON" >/dev/null || fail "there is no $PYTHON, and $PACKAGES did not bring it"
id photo-api >/dev/null 2>&1 ||
    quietly 'no user can be made' useradd --system --home-dir "$HOME_OF" --no-create-home --shell /usr/sbin/nologin photo-api
mkdir -p "$HOME_OF"
echo "installed=${missing# }"
echo "python=$("$PYTHON" -c 'import platform; print(platform.python_version())')"
