# shellcheck shell=sh
# Functions of the Tiny Cloud stand-in. A cloud is a file clouds/NAME.sh that defines
#   NAME_fetch    writes meta-data (NoCloud's keys) and user-data into the directory $1
#   imds_header   the header that its metadata service demands, where `imds` is used

root_directory=${TINY_CLOUD_ROOT:-}
state="$root_directory/var/lib/cloud"
library=${TINY_CLOUD_LIBRARY:-/usr/lib/tiny-cloud}
# The same address and port in every cloud; tests put a server of their own there.
imds_server=${TINY_CLOUD_IMDS:-169.254.169.254:80}
CLOUD=auto
CLOUD_USER=alpine
if [ -r "$root_directory/etc/tiny-cloud.conf" ]; then
	# shellcheck disable=SC1091 # settings of the machine
	. "$root_directory/etc/tiny-cloud.conf"
fi

report() {
	echo "tiny-cloud: $1" >&2
}

# --- the instance and its data -----------------------------------------------------------------------------

# meta_data KEY: a top-level scalar of the meta-data
meta_data() {
	[ -r "$state/meta-data" ] || return 0
	sed -n "s/^$1:[[:space:]]*//p" "$state/meta-data" | head -n 1 | sed "s/[[:space:]]*$//; s/^\([\"']\)\(.*\)\1\$/\2/"
}

is_complete() {
	[ -e "$state/.bootstrap-complete" ]
}

# imds PATH: what the metadata service says there. It fails where it says nothing, as for data that nobody gave.
imds() {
	timeout 10 wget -q -O - --header "$(imds_header)" "http://$imds_server/$1" 2>/dev/null
}

# patiently COMMAND ...: a metadata service can be some seconds later than the network
patiently() {
	tries=5
	until "$@"; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || return 1
		sleep 1
	done
}

# write_meta_data DIRECTORY HOSTNAME: as NoCloud has it, with the SSH keys of standard input, one a line
write_meta_data() {
	{
		echo "local-hostname: $2"
		echo "public-keys:"
		sed -n 's/^\(.*[^[:space:]].*\)$/  - \1/p'
	} >"$1/meta-data"
}

# The cloud this machine is in: what the settings say, or else the one that is installed.
find_cloud() {
	set -- "$library"/clouds/*.sh
	if [ "$CLOUD" != auto ]; then
		set -- "$library/clouds/$CLOUD.sh"
	elif [ "$#" -gt 1 ]; then
		report "several clouds are installed: set CLOUD in /etc/tiny-cloud.conf"
		return 1
	fi
	[ -r "$1" ] || return 1
	basename "$1" .sh
}

fetch_data() {
	fresh="$state/.fresh"
	rm -rf "$fresh"
	mkdir -p "$fresh"
	if cloud=$(find_cloud); then
		# shellcheck disable=SC1090 # one file per installed cloud
		. "$library/clouds/$cloud.sh"
		"${cloud}_fetch" "$fresh" || report "$cloud: no instance data"
	else
		report "no cloud found"
	fi
	for name in meta-data user-data; do
		rm -f "$state/$name"
		if [ -s "$fresh/$name" ]; then mv "$fresh/$name" "$state/$name"; fi
	done
	rm -rf "$fresh"
}

# list_of KEY FILE: the items of a YAML list (block style, or one scalar, or "0: item" maps as some clouds give)
list_of() {
	[ -r "$2" ] || return 0
	awk -v key="$1" -v quote="'" '
		function item(text) {
			sub(/^[[:space:]]+/, "", text); sub(/[[:space:]]+$/, "", text)
			first = substr(text, 1, 1)
			if ((first == "\"" || first == quote) && substr(text, length(text)) == first)
				text = substr(text, 2, length(text) - 2)
			if (text != "") print text
		}
		/^[[:space:]]*#/ { next }
		/^[^[:space:]-]/ {
			inside = index($0, key ":") == 1
			if (inside) item(substr($0, length(key) + 2))
			next
		}
		inside && /^[[:space:]]*-/ { line = $0; sub(/^[[:space:]]*-/, "", line); item(line); next }
		inside && /^[[:space:]]+[A-Za-z0-9_-]+:/ { line = $0; sub(/^[[:space:]]+[A-Za-z0-9_-]+:/, "", line); item(line) }
	' "$2"
}

# --- what is done to the machine ---------------------------------------------------------------------------

grow_root() {
	device=$(awk '$2 == "/" && $1 ~ /^\/dev\// { device = $1 } END { print device }' /proc/mounts)
	kind=$(awk '$2 == "/" && $1 ~ /^\/dev\// { kind = $3 } END { print kind }' /proc/mounts)
	if [ -z "$device" ]; then
		report "the root is on no block device, nothing to grow"
		return
	fi
	name=${device##*/}
	if [ -r "/sys/class/block/$name/partition" ]; then
		number=$(cat "/sys/class/block/$name/partition")
		disk=$(readlink -f "/sys/class/block/$name/..")
		disk="/dev/${disk##*/}"
		echo ", +" | sfdisk --quiet --no-reread --no-tell-kernel -N "$number" "$disk" ||
			report "could not grow partition $number of $disk"
		partx --update --nr "$number" "$disk" || report "the kernel keeps the old size of $device"
	fi
	case "$kind" in
		ext*) resize2fs "$device" >/dev/null || report "could not grow the file system on $device" ;;
		*) report "cannot grow a file system of type $kind" ;;
	esac
}

set_hostname() {
	full=$(meta_data local-hostname)
	[ -n "$full" ] || full=$(meta_data hostname)
	name=${full%%.*}
	[ -n "$name" ] || return 0
	echo "$name" >"$root_directory/etc/hostname"
	printf '127.0.1.1\t%s %s\n' "$full" "$name" >>"$root_directory/etc/hosts"
	[ -n "$root_directory" ] || hostname -F /etc/hostname
}

install_keys() {
	keys="$state/.keys"
	list_of public-keys "$state/meta-data" >"$keys"
	if head -n 1 "$state/user-data" 2>/dev/null | grep -Eq '^#(cloud|alpine)-config'; then
		list_of ssh_authorized_keys "$state/user-data" >>"$keys"
	fi
	home=$(awk -F: -v user="$CLOUD_USER" '$1 == user { print $6 }' "$root_directory/etc/passwd")
	if [ -s "$keys" ] && [ -z "$home" ]; then
		report "there is no user $CLOUD_USER to install SSH keys for"
	elif [ -s "$keys" ]; then
		directory="$root_directory$home/.ssh"
		mkdir -p "$directory"
		touch "$directory/authorized_keys"
		cat "$directory/authorized_keys" "$keys" | awk '!seen[$0]++' >"$directory/authorized_keys.new"
		mv "$directory/authorized_keys.new" "$directory/authorized_keys"
		chmod 700 "$directory"
		chmod 600 "$directory/authorized_keys"
		[ -n "$root_directory" ] || chown -R "$CLOUD_USER:" "$directory"
	fi
	rm -f "$keys"
}

run_user_data() {
	[ "$(head -c 2 "$state/user-data" 2>/dev/null)" = "#!" ] || return 0
	chmod 700 "$state/user-data"
	log="$root_directory/var/log/user-data.log"
	"$state/user-data" >"$log" 2>&1 || {
		report "the user data failed with $?, see $log"
		return 1
	}
}

# --- phases: all of them, until the last has been gone through once -----------------------------------------

phase_boot() {
	is_complete || grow_root
}

phase_early() {
	is_complete || fetch_data
}

phase_main() {
	is_complete && return
	set_hostname
	install_keys
}

phase_final() {
	is_complete && return
	run_user_data && touch "$state/.bootstrap-complete"
}
