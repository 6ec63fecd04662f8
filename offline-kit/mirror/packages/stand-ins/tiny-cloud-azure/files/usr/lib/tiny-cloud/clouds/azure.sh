# shellcheck shell=sh
# Azure: the instance metadata service. Its user data come in base64; custom data are elsewhere, and not asked for.

imds_header() {
	echo "Metadata: true"
}

azure_get() {
	imds "metadata/instance/compute/$1?api-version=2021-05-01&format=text"
}

azure_keys() {
	for key in $(azure_get publicKeys); do
		azure_get "publicKeys/${key%/}/keyData"
		echo
	done
}

azure_fetch() {
	host=$(patiently azure_get name) || return 1
	azure_keys | write_meta_data "$1" "$host"
	azure_get userData | base64 -d >"$1/user-data" || rm -f "$1/user-data"
}
