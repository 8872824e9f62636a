#!/usr/bin/env bash
# Builds the root folder of the image: rootfs.sh DIR [try]
# With "try" it also runs the program in it, chrooted and as the image's user, and asks it for a blocked
# name on port 53 of 127.0.0.53: what the image does, without a container engine. That part needs root,
# dig, curl and a free port.
set -euo pipefail

[ $# -ge 1 ] || { echo "usage: $0 DIR [try]" >&2; exit 2; }
top=$(cd "$(dirname "$0")/.." && pwd)
dir=$1
user=65532

[ -x "$top/bin/hearth" ] || make -C "$top" build
mkdir -p "$dir/etc/ssl/certs" "$dir/etc/hearth" "$dir/var/lib/hearth"
install -m 0755 "$top/bin/hearth" "$dir/hearth"
# Lists are fetched over HTTPS. Without certificates the server works on, with the lists that it has.
if [ -r /etc/ssl/certs/ca-certificates.crt ]; then
  install -m 0644 /etc/ssl/certs/ca-certificates.crt "$dir/etc/ssl/certs/ca-certificates.crt"
else
  echo "rootfs: no certificates on this machine; lists with an https address cannot be fetched" >&2
fi
chown "$user:$user" "$dir/var/lib/hearth"
chmod 0700 "$dir/var/lib/hearth"
setcap cap_net_bind_service=+ep "$dir/hearth"

[ "${2:-}" = try ] || exit 0

cat > "$dir/etc/hearth/try.yaml" <<YAML
version: 1
listen:
  - addresses: ["127.0.0.53:53"]
landing:
  ipv4: 127.0.0.53
  http: ["127.0.0.53:80"]
resolve:
  upstreams: [192.0.2.1]
metrics:
  listen: ""
households:
  - id: home
    consent: {by: try, at: 2026-01-01}
    networks: [127.0.0.0/8]
    guest: preteen
YAML
env -i HEARTH__STATE=/var/lib/hearth \
  "$(command -v chroot)" --userspec="$user:$user" "$dir" /hearth serve --config /etc/hearth/try.yaml &
server=$!
stop() { kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; rm -rf "$dir/etc/hearth/try.yaml" "$dir"/var/lib/hearth/*; }
trap stop EXIT
answer=
for _ in $(seq 50); do
  answer=$(dig @127.0.0.53 +short +time=1 +tries=1 pornhub.com A 2>/dev/null || true)
  [ "$answer" = 127.0.0.53 ] && break
  sleep 0.2
done
[ "$answer" = 127.0.0.53 ] || { echo "rootfs: pornhub.com gave '$answer', want 127.0.0.53" >&2; exit 1; }
page=$(curl -s -o /dev/null -w '%{http_code}' -H 'Host: pornhub.com' http://127.0.0.53/)
[ "$page" = 200 ] || [ "$page" = 403 ] || { echo "rootfs: the page gave status $page" >&2; exit 1; }
echo "rootfs: the program runs chrooted as user $user, answers on port 53 and shows its page on port 80"
