# shellcheck shell=sh
# Functions of the Tiny Cloud stand-in. A cloud is a file clouds/NAME.sh that defines
#   NAME_detect   succeeds when the machine runs there
#   NAME_fetch    writes meta-data and user-data into the directory $1

root_directory=${TINY_CLOUD_ROOT:-}
state="$root_directory/var/lib/cloud"
library=${TINY_CLOUD_LIBRARY:-/usr/lib/tiny-cloud}
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

instance_id() {
	id=$(meta_data instance-id)
	echo "${id:-none}"
}

is_complete() {
	[ -r "$state/.bootstrap-complete" ] && [ "$(cat "$state/.bootstrap-complete")" = "$(instance_id)" ]
}

# The cloud this machine is in: what the settings say, or the first installed one that finds itself.
find_cloud() {
	for file in "$library"/clouds/*.sh; do
		[ -r "$file" ] || continue
		name=${file##*/}
		name=${name%.sh}
		# shellcheck disable=SC1090 # one file per installed cloud
		. "$file"
		if [ "$CLOUD" = "$name" ] || { [ "$CLOUD" = auto ] && "${name}_detect"; }; then
			echo "$name"
			return
		fi
	done
	return 1
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
		if [ -e "$fresh/$name" ]; then mv "$fresh/$name" "$state/$name"; fi
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
	name=$(meta_data local-hostname)
	[ -n "$name" ] || name=$(meta_data hostname)
	[ -n "$name" ] || return 0
	echo "$name" >"$root_directory/etc/hostname"
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
	"$state/user-data" >"$log" 2>&1 || report "the user data failed with $?, see $log"
}

# --- phases, each once per instance ------------------------------------------------------------------------

phase_boot() {
	fetch_data
	is_complete || grow_root
}

phase_early() {
	is_complete || set_hostname
}

phase_main() {
	is_complete || install_keys
}

phase_final() {
	is_complete && return
	run_user_data
	instance_id >"$state/.bootstrap-complete"
}
