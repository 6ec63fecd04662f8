# shellcheck shell=sh
# NoCloud: the instance's data are files on a volume labelled cidata, FAT or ISO 9660, a whole disk or a partition.

nocloud_device() {
	blkid 2>/dev/null | grep -i ' LABEL="cidata"' | head -n 1 | cut -d : -f 1
}

nocloud_fetch() {
	device=$(nocloud_device)
	[ -n "$device" ] || return 1
	point=$(mktemp -d)
	modprobe -q vfat || true
	modprobe -q isofs || true
	if ! mount -o ro -t vfat "$device" "$point" 2>/dev/null && ! mount -o ro -t iso9660 "$device" "$point"; then
		rmdir "$point"
		return 1
	fi
	for name in meta-data user-data; do
		if [ -e "$point/$name" ]; then cp "$point/$name" "$1/$name"; fi
	done
	umount "$point"
	rmdir "$point"
}
