# Somebody sets the clock, by an hour or by ten years: nothing expires, and no
# timeout fires early or late, since all of them count by another clock.
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use Faults;
use Time::HiRes qw(time);

my $faults = Faults->new;
my $proxy  = DynProxy->new(tools => [qw(alpha beta)], program => $faults->program,
    conf => { keepalive_timeout => '4s', request_head_timeout => '2s' });
my $backend = $proxy->backend;
is $proxy->register('alpha', '.*', $backend->url), 'ok', 'a tool';

# A request on a connection that stays open; true: it was answered.
sub ask_on {
    my ($socket) = @_;
    local $SIG{PIPE} = 'IGNORE';
    $socket->syswrite("GET /.well-known/healthz HTTP/1.1\r\nHost: alpha.example.test\r\n\r\n");
    my $n = $socket->sysread(my $answer, 65536);
    return $n && $answer =~ m{^HTTP/1\.1 200 };
}

# Until it is closed, or said something; seconds.
sub quiet_for {
    my ($socket, $since) = @_;
    my $rin = '';
    vec($rin, fileno $socket, 1) = 1;
    select my $ready = $rin, undef, undef, 15;
    return time - $since;
}

for my $step (3600, -3600, 10 * 365 * 86400, 0) {
    my $idle = $proxy->connect;
    ok ask_on($idle), "$step s: a connection that idles";
    my $half = $proxy->connect;
    my $began = time;
    $half->syswrite("GET / HTTP/1.1\r\n");

    $faults->ahead($step);
    my $last = time;    # what follows may be late, and not early
    ok ask_on($idle), 'is still there when the clock has been set';
    is $proxy->get('alpha', '/')->status, 200, 'the route is, too';
    is $proxy->register('beta', '.*', $backend->url), 'ok', 'a tool registers';
    is $proxy->get('beta', '/')->status, 200, 'and is served';
    is $proxy->unregister('beta', '.*'), 'ok', 'unregisters';
    is $proxy->get('beta', '/')->status, 503, 'and is not';
    my $head = quiet_for($half, $began);
    cmp_ok $head, '>', 1.9, 'half a head is not given up early';
    cmp_ok $head, '<', 12,  'nor kept';
    my $kept = quiet_for($idle, $last);
    cmp_ok $kept, '>', 3.8, 'a connection is not closed early';
    cmp_ok $kept, '<', 14,  'nor kept';
}
unlike $proxy->log, qr/child-(?:died|ended|hung)/, 'nobody was replaced';
done_testing;
