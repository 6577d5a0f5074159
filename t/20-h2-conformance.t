# Each frame that breaks a rule of HTTP/2 is answered as the RFC says, those
# that break none are served, and nobody else is harmed (2-http.md 2.4).  The
# table is in t/h2_conformance.py.
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use Socket qw(pack_sockaddr_in inet_aton SOCK_STREAM PF_INET SOL_SOCKET SO_REUSEADDR);

my $proxy = DynProxy->new(tools => ['alpha'], tls => ["*.$DynProxy::DOMAIN"],
    conf => { connect_timeout => '10s' });
my $backend = $proxy->backend(text => 'hello');
is $proxy->register('alpha', '.*', $backend->url), 'ok', 'a tool';

# A backend that takes no connection: its queue is full.
my $stuck = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) or die $!;
my @full = map { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $stuck->sockport, Blocking => 0) } 1 .. 4;
is $proxy->register('alpha', '/stuck', 'http://127.0.0.1:' . $stuck->sockport), 'ok', 'and one of its routes that hangs';

my ($status, $out, $err) =
    run_command('timeout', 120, "$FindBin::Bin/h2_conformance.py", $proxy->{https_port});
is $status, 0, 'all cases were tried' or diag $err;
my @lines = split /\n/, $out;
cmp_ok scalar @lines, '>=', 140, 'and they are many';
like $_, qr/^ok/, $_ =~ s/^(?:not )?ok //r for @lines;
like (($proxy->curl('alpha', '/'))[1], qr/hello/, 'and all goes on');
done_testing;
