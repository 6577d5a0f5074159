# `use OwnNetwork;` first in a test: the whole test runs in a network of its
# own, where every port is free (ident's 113, too), and with its own users.
# All of it is gone with the test's last process; the machine is as it was.
package OwnNetwork;
use v5.26;
use warnings;

use File::Temp;
use OwnNetwork::Host;

my $etc;    # directory of our own passwd and group

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

# A user, as far as this test and its processes can see.
sub add_user {
    my ($name, $uid) = @_;
    return if defined getpwnam $name;
    if (!$etc) {
        $etc = File::Temp->newdir;
        chmod 0755, $etc;
        for my $file (qw(passwd group)) {
            run('cp', '-p', "/etc/$file", "$etc/$file");
            run('mount', '--bind', "$etc/$file", "/etc/$file");
        }
    }
    append('/etc/passwd', "$name:x:${uid}:${uid}::/nonexistent:/bin/sh\n");
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
    my (%want) = @_;    # name, ours => address of our end, theirs => of its end
    return OwnNetwork::Host->new(%want);
}

1;
