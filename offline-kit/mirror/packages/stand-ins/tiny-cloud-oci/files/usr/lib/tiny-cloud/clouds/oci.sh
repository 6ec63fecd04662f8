# shellcheck shell=sh
# Oracle Cloud: the instance metadata service, version 2. Its user data come in base64.

imds_header() {
	echo "Authorization: Bearer Oracle"
}

oci_get() {
	imds "opc/v2/instance/$1"
}

oci_fetch() {
	host=$(patiently oci_get hostname) || return 1
	oci_get metadata/ssh_authorized_keys | write_meta_data "$1" "$host"
	oci_get metadata/user_data | base64 -d >"$1/user-data" || rm -f "$1/user-data"
}
