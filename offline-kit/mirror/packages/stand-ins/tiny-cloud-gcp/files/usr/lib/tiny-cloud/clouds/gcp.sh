# shellcheck shell=sh
# Google Cloud: the metadata server. SSH keys are attributes of project and instance, `LOGIN:KEY` a line; the image's
# user gets all of them.

imds_header() {
	echo "Metadata-Flavor: Google"
}

gcp_get() {
	imds "computeMetadata/v1/$1"
}

gcp_keys() {
	for owner in project instance; do
		gcp_get "$owner/attributes/ssh-keys" || true
		echo
	done | cut -d : -f 2-
}

gcp_fetch() {
	host=$(patiently gcp_get instance/hostname) || return 1
	gcp_keys | write_meta_data "$1" "$host"
	gcp_get instance/attributes/user-data >"$1/user-data" || rm -f "$1/user-data"
}
