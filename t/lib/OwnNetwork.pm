# `use OwnNetwork;` first in a test: the whole test runs in a network of its
# own, where every port is free (ident's 113, too), and with its own users.
# All of it is gone with the test's last process; the machine is as it was.
package OwnNetwork;
use v5.26;
use warnings;

use File::Temp;
use OwnNetwork::Host;

my $etc;    # the directory that is our /etc

sub import {
    if (!delete $ENV{DYNPROXY_OWN_NETWORK}) {
        die "this test needs root\n" if $> != 0;
        $ENV{DYNPROXY_OWN_NETWORK} = 1;
        exec qw(unshare --net --mount --), $^X, $0, @ARGV;
        die "unshare: $!\n";
    }
    run(qw(ip link set lo up));
    # no name server: a look-up ends at once instead of after seconds
    run(qw(mount --bind /dev/null /etc/resolv.conf)) if -e '/etc/resolv.conf';
}

sub run {
    system(@_) == 0 or die "@_ failed\n";
}

# Somewhere else for a file or directory of the machine, as far as this test
# and its processes can see.
sub replace {
    my ($path, $with) = @_;
    run('mount', '--bind', $with, $path);
}

# A /dev of our own, made in a directory; nobody is at its /dev/log.
sub own_dev {
    my ($made) = @_;
    mkdir $made;
    run(qw(mount -t tmpfs tmpfs), $made);
    for my $node (qw(null zero full random urandom tty)) {
        append("$made/$node", '');
        run('mount', '--bind', "/dev/$node", "$made/$node");
    }
    run('mount', '--move', $made, '/dev');
}

# A copy of /etc of our own, to be written to.
sub own_etc {
    return if $etc;
    $etc = File::Temp->newdir;
    chmod 0755, $etc;
    run('cp', '-a', '/etc/.', "$etc");
    unlink "$etc/resolv.conf";
    append("$etc/resolv.conf", '');
    replace('/etc', "$etc");
}

# A file of /etc with that content.
sub write_etc {
    my ($name, $text) = @_;
    own_etc();
    unlink "/etc/$name";
    append("/etc/$name", $text);
}

# A user, as far as this test and its processes can see.
sub add_user {
    my ($name, $uid, $home) = @_;
    return if defined getpwnam $name;
    $home //= '/nonexistent';
    own_etc();
    append('/etc/passwd', "$name:x:${uid}:${uid}::$home:/bin/sh\n");
    append('/etc/group',  "$name:x:${uid}:\n");
}

sub append {
    my ($path, $line) = @_;
    open my $fh, '>>', $path or die "$path: $!";
    print $fh $line;
    close $fh or die "$path: $!";
}

# Another machine, at the other end of a cable.
sub host {
    my (%want) = @_;    # name, ours => address of our end, or bridge => whose
                        # port that is, theirs => address of its end
    return OwnNetwork::Host->new(%want);
}

1;
