# shellcheck shell=sh
# AWS: the instance metadata service, version 2 alone. A session token is asked for with PUT and shown with every
# question; a service that demands none gets one all the same.

aws_token() {
	# shellcheck disable=SC2154 # common.sh has it
	{
		printf 'PUT /latest/api/token HTTP/1.0\r\nHost: %s\r\n' "${imds_server%:*}"
		printf 'X-aws-ec2-metadata-token-ttl-seconds: 60\r\nContent-Length: 0\r\n\r\n'
	} | nc -w 10 "${imds_server%:*}" "${imds_server##*:}" | awk '
		NR == 1 && $2 != 200 { exit 1 }
		body { print; exit }
		$0 == "\r" { body = 1 }
	'
}

# Without a token there is no header, and so no question.
aws_get() {
	token=$(aws_token)
	[ -n "$token" ] || return 1
	imds "$1"
}

imds_header() {
	echo "X-aws-ec2-metadata-token: $token"
}

# The list has NUMBER=NAME lines.
aws_keys() {
	for number in $(aws_get latest/meta-data/public-keys/ | cut -d = -f 1); do
		aws_get "latest/meta-data/public-keys/$number/openssh-key"
		echo
	done
}

aws_fetch() {
	host=$(patiently aws_get latest/meta-data/hostname) || return 1
	aws_keys | write_meta_data "$1" "$host"
	aws_get latest/user-data >"$1/user-data" || rm -f "$1/user-data"
}
