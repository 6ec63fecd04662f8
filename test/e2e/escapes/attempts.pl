#!/usr/bin/perl
# attempts.pl HOST-DIR TCP-PORT ABSTRACT-NAME HOST-PID - tries to get out of a build guest in namespaces, and prints a line
# `NAME RESULT` for each attempt: "refused" with an error, or what it got. Runs in the guest, with the host's perl; ONLY, a
# pattern of names, chooses attempts that are harmless on the host itself.
use strict;
use warnings;
use Config;
use Errno;
use Socket;
use POSIX ();

my ($host_dir, $port, $abstract, $host_pid) = @ARGV;
my $arm = $Config{archname} =~ /^aarch64/;

# attempt NAME CODE - CODE returns what it got, or nothing, with $! set.
sub attempt {
    my ($name, $code) = @_;
    return if defined $ENV{ONLY} && $name !~ /$ENV{ONLY}/;
    $! = 0;
    my $got = eval { local $SIG{ALRM} = sub { die "no answer\n" }; alarm 5; my $it = $code->(); alarm 0; $it };
    alarm 0;
    my $why = $@ ? $@ =~ s/\s+$//r : "$!";
    print "$name ", defined $got ? "GOT $got" : "refused ($why)", "\n";
}

# call NUMBER-ON-X86_64 NUMBER-ON-ARM64 ARGUMENTS - a raw system call: what it returned, or nothing.
sub call {
    my ($x86, $arm64, @arguments) = @_;
    my $result = syscall($arm ? $arm64 : $x86, @arguments);
    return $result == -1 ? undef : $result;
}

sub content {
    my ($path) = @_;
    open(my $file, '<', $path) or return undef;
    my $text = <$file>;
    return $text;
}

sub written {
    my ($path) = @_;
    return undef unless -e $path;
    my $file;
    open($file, '+<', $path) or open($file, '>', $path) or return undef;
    my $bytes = syswrite($file, "x") or return undef;
    return $bytes;
}

sub connected {
    my ($family, $address) = @_;
    socket(my $socket, $family, SOCK_STREAM, 0) or return undef;
    connect($socket, $address) or return undef;
    return "a connection";
}

# Files of the host.
attempt('file by its path', sub { content("$host_dir/secret") });
attempt('file through the first process', sub { content("/proc/1/root$host_dir/secret") });
attempt('file above the root', sub { content("/../../../..$host_dir/secret") });
attempt('file through a builder that is not there', sub { content("/proc/$host_pid/root$host_dir/secret") });
attempt('passwords of the host', sub { content('/proc/1/root/etc/shadow') });
attempt('a file system by its handle', sub { call(304, 265, 0, "\0" x 32, 0) });
attempt('a write to the appliance', sub { written('/etc/written') });
attempt('a write to the job', sub { written('/job/start') });
attempt('a write to the base that others share', sub { written('/disks/shared') });

# Devices.
for my $device ([8, 0, 'sda'], [253, 0, 'vda'], [254, 0, 'dm'], [1, 1, 'mem'], [10, 200, 'tun'], [10, 229, 'fuse'], [10, 232, 'kvm']) {
    my ($major, $minor, $name) = @$device;
    attempt("device $name", sub {
        call(133, 33, $arm ? (-100, "/tmp/$name") : "/tmp/$name", 060600, ($major << 8) | $minor) // return undef;
        content("/tmp/$name") // return undef;
    });
    attempt("device $name that is there", sub { content("/dev/$name") });
}

# The kernel.
for my $file ('/proc/sysrq-trigger', '/proc/sys/kernel/core_pattern', '/proc/sys/kernel/modprobe', '/proc/sys/vm/drop_caches',
    '/proc/sys/net/ipv4/ip_forward_use_pmtu_no', '/proc/sys/kernel/hostname', '/dev/kmsg', '/sys/kernel/uevent_helper',
    '/sys/fs/cgroup/cgroup.procs', '/proc/1/oom_score_adj_', '/proc/kcore', '/proc/acpi/wakeup') {
    attempt("write $file", sub { written($file) });
}
my $zeroes = "\0" x 256;
attempt('mount a file system', sub { call(165, 40, 'none', '/tmp', 'tmpfs', 0, 0) });
attempt('mount proc', sub { call(165, 40, 'proc', '/proc', 'proc', 0, 0) });
attempt('remount the root', sub { call(165, 40, 'none', '/', 0, 32, 0) });
attempt('unmount', sub { call(166, 39, '/proc', 2) });
attempt('pivot the root', sub { call(155, 41, '/tmp', '/tmp') });
attempt('the new mount calls: open_tree', sub { call(428, 428, -100, '/', 1) });
attempt('the new mount calls: fsopen', sub { call(430, 430, 'tmpfs', 0) });
attempt('a user namespace', sub { call(272, 97, 0x10000000) });
attempt('a mount namespace', sub { call(272, 97, 0x00020000) });
attempt('a namespace by clone', sub { my $pid = call(56, 220, 0x10000000 | 17, 0, 0, 0, 0); POSIX::_exit(0) if defined $pid && $pid == 0; $pid });
attempt('a namespace by clone3', sub { call(435, 435, pack('Q11', 0x10000000, (0) x 3, 17, (0) x 6), 88) });
attempt('another namespace', sub { open(my $file, '<', '/proc/1/ns/net') or return undef; call(308, 268, fileno($file), 0) });
attempt('trace another process', sub { call(101, 117, 16, 1, 0, 0) });
attempt('read the memory of another process', sub { call(310, 270, 1, $zeroes, 1, $zeroes, 1, 0) });
attempt('write the memory of another process', sub { call(311, 271, 1, $zeroes, 1, $zeroes, 1, 0) });
attempt('files of another process', sub { call(438, 438, 0, 0, 0) });
attempt('the session keyring', sub { call(250, 219, 0, -3, 0) });
attempt('the keyrings of the user', sub { call(250, 219, 11, -4, $zeroes, 256) });
attempt('add a key', sub { call(248, 217, 'user', 'x', 'x', 1, -4) });
attempt('request a key', sub { call(249, 218, 'user', 'x', 0, -4) });
attempt('a program in the kernel', sub { call(321, 280, 0, $zeroes, 72) });
attempt('performance counters', sub { call(298, 241, pack('L2', 1, 112) . $zeroes, 0, -1, -1, 0) });
attempt('io_uring', sub { call(425, 425, 1, $zeroes) });
attempt('userfaultfd', sub { call(323, 282, 1) });
attempt('a kernel module', sub { call(175, 105, $zeroes, 0, '') });
attempt('kexec', sub { call(246, 104, 0, 0, $zeroes, 0) });
attempt('reboot', sub { call(169, 142, 0xfee1dead, 672274793, 0x1234567, 0) });
attempt('the clock', sub { call(164, 170, pack('Q2', 1, 0), 0) });
attempt('the host name', sub { call(170, 161, 'x', 1) });
attempt('the log of the kernel', sub { call(103, 116, 3, $zeroes, 256) });
attempt('swap', sub { call(167, 224, '/work', 0) });
attempt('watch all files', sub { call(300, 262, 0, 0) });
attempt('ports of the machine', sub { $arm ? undef : call(173, 0, 0x80, 1, 1) });
attempt('a call of x32', sub { $arm ? undef : call(0x40000000 + 165, 0, 'none', '/tmp', 'tmpfs', 0, 0) });

# Other processes.
attempt('a signal to the builder', sub { kill(0, $host_pid) ? 'a process' : undef });
attempt('processes of others', sub {
    opendir(my $proc, '/proc') or return undef;
    my @others = grep { /^\d+$/ && (content("/proc/$_/cmdline") // '') =~ /mocha|escapes/ && (content("/proc/$_/cmdline") // '') !~ /attempts|bwrap/ } readdir($proc);
    $! = Errno::ESRCH;
    return @others ? "@others" : undef;
});
attempt('to become a user of the host', sub { $< = 70000; $< == 70000 ? 'it' : undef });

# Networks and sockets.
attempt('the loopback of the host', sub { connected(AF_INET, pack_sockaddr_in($port, inet_aton('127.0.0.1'))) });
attempt('the metadata of a cloud', sub { connected(AF_INET, pack_sockaddr_in(80, inet_aton('169.254.169.254'))) });
attempt('a name server', sub { connected(AF_INET, pack_sockaddr_in(53, inet_aton('8.8.8.8'))) });
attempt('a socket of the host', sub { connected(AF_UNIX, pack_sockaddr_un("$host_dir/socket")) });
attempt('an abstract socket of the host', sub { connected(AF_UNIX, pack_sockaddr_un("\0$abstract")) });
attempt('a socket of netlink', sub { socket(my $socket, 16, SOCK_RAW, 0) ? 'a socket' : undef });
attempt('a socket of the hypervisor', sub { socket(my $socket, 40, SOCK_STREAM, 0) ? 'a socket' : undef });
attempt('a socket of all packets', sub { socket(my $socket, 17, SOCK_RAW, 0) ? 'a socket' : undef });
attempt('a socket of the crypto code', sub { socket(my $socket, 38, SOCK_SEQPACKET, 0) ? 'a socket' : undef });
attempt('raw sockets', sub { socket(my $socket, AF_INET, SOCK_RAW, 1) ? 'a socket' : undef });

# What is beyond the limits.
attempt('a file larger than the disk', sub { open(my $file, '+<', '/disks/disk') or die "no disk\n"; $SIG{XFSZ} = 'IGNORE'; sysseek($file, 2 ** 33, 0); syswrite($file, 'x') });
attempt('a terminal', sub { open(my $terminal, '+<', '/dev/tty') or return undef; 'a terminal' });
