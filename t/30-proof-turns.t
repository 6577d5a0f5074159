# Backends that nobody can connect to, however many of them a tool registers and
# however often, keep no other tool's from being proved: not elsewhere, and not
# on the same host (1-registration.md 1.1).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use File::Temp;
use Identds;
use IO::Socket::INET;

# Who registers from where, and at which host their backends are.
my %from = (alpha => '127.0.0.2', beta => '127.0.0.3', gamma => '127.0.0.4');
my %at   = (alpha => '127.0.0.5', beta => '127.0.0.6', gamma => '127.0.0.5');
my %tool = (reverse(%from), reverse(%at));

# While there is something in this file, others have their ports.
my $moved = File::Temp->new;
my $full  = IO::Socket::INET->new(LocalAddr => $at{gamma}, Listen => 1, Proto => 'tcp') or die $!;
my $port  = $full->sockport;

sub says {
    my ($host, $pair) = @_;
    return "$pair : USERID : UNIX : tools.gamma\r\n" if $pair =~ /^$port\b/;
    my $whose = $host =~ /[56]$/ && -s "$moved" ? 'other' : { %tool, $at{gamma} => 'alpha' }->{$host};
    return "$pair : USERID : UNIX : tools.$whose\r\n";
}
my $identds = Identds->new(on => [keys %tool], says => \&says);
my $proxy   = DynProxy->new(
    conf => {
        ident_port => $identds->port, account_prefix => '"tools."', verify_interval => '2s',
        routes_per_tool_max => 256, registration_rate => 10000, registration_burst => 10000, registration_connects => 10000,
    },
);
my %backend = map { $_ => $proxy->backend(address => $at{$_}) } qw(alpha beta);

sub register { my ($tool, $route, $url) = @_; return DynProxy::converse(Identds::from($proxy, $from{$tool}, 'register', $route, $url)) }
sub proof    { ($proxy->ctl_json('list', $_[0]) // [])->[0]{proof} // '' }

for my $tool (qw(alpha beta)) {
    ok eventually(sub { register($tool, '.*', $backend{$tool}->url) eq 'ok' }), $tool;
    ok eventually(sub { proof($tool) eq 'theirs' }), '  has a port that is proved to be its own';
}

# As many as it takes, so that one more connection has to wait for ever.
listen $full, 0 or die "listen: $!";
my @filled;
do {
    push @filled, IO::Socket::INET->new(PeerAddr => $at{gamma}, PeerPort => $port, Proto => 'tcp', Timeout => 0.2);
} while defined $filled[-1];

sub crowded { my ($route) = @_; return eventually(sub { register('gamma', $route, "http://$at{gamma}:$port") eq 'ok' }) }
ok !(grep { !crowded("/$_") } 1 .. 200), 'gamma has 200 routes to where nobody accepts';
ok !(grep { !crowded('/1') } 1 .. 100), 'and registers one of them again and again';
open my $fh, '>', "$moved" or die $!;
print $fh 'x';
close $fh;
for my $tool (qw(beta alpha)) {
    ok eventually(sub { proof($tool) eq 'stranger' }), "the port of $tool is another's, at " . ($at{$tool} eq $at{gamma} ? 'the same host' : 'another host');
    ok eventually(sub { ($proxy->get($tool, '/')->reason // '') eq 'stale-route' }), '  and gets no requests';
}
done_testing;
