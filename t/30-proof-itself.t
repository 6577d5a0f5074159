# Where a tool of this host does not listen, on a port that connections have, the
# proof may be connected with itself: the registrar's own account is no stranger
# who has the port (1-registration.md 1.1).
use FindBin;
use lib "$FindBin::Bin/lib";
use OwnNetwork;
use DynProxy;
use Identds;
use IO::Socket::INET;

my $PORT = 40000;

# Whose connections of this host are: of one with itself both ends are dynproxy's.
sub says {
    my ($host, $pair) = @_;
    my ($theirs, $ours) = split /\s*,\s*/, $pair;
    return "$pair : USERID : UNIX : " . ($theirs == $ours ? 'dynproxy' : 'tools.alpha') . "\r\n";
}
my $identds = Identds->new(on => ['127.0.0.1'], says => \&says);
my $proxy   = DynProxy->new(conf => { ident_port => $identds->port, account_prefix => '"tools."', verify_interval => '1s' });

sub connections_have { open my $range, '>', '/proc/sys/net/ipv4/ip_local_port_range' or die $!; syswrite $range, $_[0] or die $!; return }
sub proof  { ($proxy->ctl_json('list', 'alpha') // [])->[0]{proof} // '' }
sub listens { return IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $PORT, Listen => 9) }

connections_have('50000 60000');
my $server = listens() or die $!;
is DynProxy::converse(Identds::from($proxy, '127.0.0.1', 'register', '.*', "http://127.0.0.1:$PORT")), 'ok', 'a tool registers';
ok eventually(sub { proof() eq 'theirs' }), 'the port is proved to be its own';
connections_have("$PORT $PORT");
close $server;
ok eventually(sub { proof() =~ /^(?:unknown|stranger)$/ }), 'its server has ended';
is proof(), 'unknown', 'nobody can tell whose the port is: no stranger has it';
unlike $proxy->log, qr/route-stale/, 'nor is it withdrawn';
connections_have('50000 60000');
ok listens(), 'and the port is free for it' or diag $!;

done_testing;
