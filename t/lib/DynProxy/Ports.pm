# Ports for a test's servers, which no other test on this host takes.
package DynProxy::Ports;
use v5.26;
use warnings;

use Exporter 'import';
use IO::Socket::INET;
use IO::Socket::UNIX;
use List::Util qw(shuffle);

our @EXPORT_OK = qw(free_port);

my @ports_held;           # a socket for each hundred of ports that is ours

# A hundred ports of which no other test on this host takes one: the name of an
# abstract socket says that they are ours, as long as we live.
sub own_ports {
    for my $hundred (shuffle(100 .. 299)) {
        push @ports_held, IO::Socket::UNIX->new(Local => "\0dynproxy-test-ports-$hundred") // next;
        return map { $hundred * 100 + $_ } 0 .. 99;
    }
    die 'all ports are in use by tests';
}

# No tool's, as the proxy finds (denied_ports in registrar/vet.c).
my %denied = map { $_ => 1 } 10250, 11211, 26379, 27017;

# Below the range from which the kernel takes ports for itself; none twice.
sub free_port {
    my ($address) = @_;
    state @ports;
    state $whose = $$;
    if ($whose != $$) { @ports = (); $whose = $$ }    # a child has its own
    for (1 .. 200) {
        @ports = own_ports() if !@ports;
        my $port = shift @ports;
        next if $denied{$port};
        my $try = IO::Socket::INET->new(LocalAddr => $address // '127.0.0.1',
            LocalPort => $port, Proto => 'tcp', Listen => 1) or next;
        return $port;
    }
    die 'no free port';
}

1;
