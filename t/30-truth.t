# `ok` means it: who has read it is served on every fresh connection, whoever
# else registers, is silent, has no identd, or kills the registrar
# (1-registration.md 1.1, 7-security.md 7.4).
use FindBin;
use lib "$FindBin::Bin/lib";
use OwnNetwork;
use DynProxy;
use ManyTools;
use Time::HiRes qw(sleep time);

my $TOOLS    = $ENV{TRUTH_TOOLS} // 25;       # registrations that are looked at
my $REQUESTS = $ENV{TRUTH_REQUESTS} // 40;    # after each, on fresh connections
my $KILLS    = $ENV{TRUTH_KILLS} // 4;        # of the registrar
my $ROUTES   = $ENV{TRUTH_ROUTES} // 10_000;  # that it has to load each time
my $RATE     = 250;                           # registrations a second, twice
my $LONG     = 1.1;                           # a life without a back-off after it

my @tools = map { "tool$_" } 1 .. 40;
my $proxy = DynProxy->new(
    workers => 2,
    tools   => \@tools,
    conf    => { registrations_open_max => 200, account_prefix => '"tools."' },
    expect  => qr/child-(?:died|crash-loop) registrar/,
);
my $backend = $proxy->backend(count => 2);
$proxy->stop;
ManyTools::fill($proxy, $ROUTES);
$proxy->start;

# Until USR1: do it again and again, at most so often a second.
my %children;

sub in_background {
    my ($rate, $do) = @_;
    my $pid = fork // die "fork: $!";
    if ($pid) {
        $children{$pid} = 1;
        return;
    }
    @SIG{qw(INT TERM)} = qw(DEFAULT DEFAULT);
    my $end = 0;
    $SIG{USR1} = sub { $end = 1 };
    for (my ($n, $next) = (0, time); !$end; $n++, $next += 1 / $rate) {
        my $wait = $next - time;
        $wait > 0 ? sleep $wait : ($next = time);
        $do->($n);
    }
    POSIX::_exit(0);
}

sub end_background {
    kill 'USR1', keys %children;
    waitpid $_, 0 for keys %children;
    %children = ();
}
END { local $?; kill 'KILL', keys %children; waitpid $_, 0 for keys %children }

# They register, and note what was acknowledged.
my @noted = map { File::Temp->new } 0, 1;
for my $writer (0, 1) {
    in_background($RATE, sub {
        my ($n) = @_;
        open my $note, '>>', "$noted[$writer]";
        my $tool = $tools[ 20 + 10 * $writer + $n % 10 ];
        my $url  = $backend->url(int rand 2);
        my $path = '/' . int(rand 40) . '/.*';
        my $said = eval { $proxy->register($tool, $path, $url) } // '';
        # without an answer either may be: it is said again
        $said = eval { $proxy->register($tool, $path, $url) } // '' until $said eq 'ok';
        print $note "$tool $path $url\n";
    });
}
my $served = File::Temp->new;
is $proxy->register('tool1', '.*', $backend->url), 'ok', 'a tool that is asked for all the while';
in_background(200, sub {
    open my $note, '>>', "$served";
    print $note ($proxy->get('tool1', '/')->status // 'nothing'), "\n";
});

for my $n (1 .. $TOOLS) {
    my $tool = $tools[ 1 + $n % 19 ];
    my $at   = $n % 2;
    my $want = 'backend ' . $backend->port($at) . "\n";
    my $said = $proxy->register($tool, '.*', $backend->url($at));
    my $good = grep { $proxy->get($tool, '/')->body eq $want } 1 .. $REQUESTS;
    is "$said $good", "ok $REQUESTS", "registration $n: $REQUESTS of $REQUESTS requests";
}

# Killed at any moment, also while it starts; after a short life the next one
# lives as long as the master wants it to, or it would wait before another.
my ($begun, @took) = time;
for my $n (1 .. $KILLS) {
    my $killed = time;
    kill 'KILL', $proxy->registrar_pid;
    my $said = '';
    $said = eval { $proxy->register('tool2', '.*', $backend->url) } // '' until $said eq 'ok';
    push @took, 1000 * (time - $killed);
    my $rest = $n % 2 ? rand(0.4) - (time - $killed) : $LONG;
    sleep $rest if $rest > 0;
}
@took = sort { $a <=> $b } @took;
my $lasted = time - $begun;
end_background();

# The last word on each route holds.
my $acknowledged = join '', map { DynProxy::slurp("$_") } @noted;
my %last = map { /^(\S+ \S+) (.*)$/ ? ($1 => $2) : () } split /\n/, $acknowledged;
my %have = map { ("$_->{tool} $_->{pattern}" => $_->{destination}) } map { @{ $proxy->ctl_json('list', $_) } } @tools;
cmp_ok scalar(keys %last), '>', 20, scalar(keys %last) . ' routes were acknowledged meanwhile';
my @lost = grep { ($have{$_} // '') ne $last{$_} } sort keys %last;
is "@lost", '', 'none of them is lost';
my @answers = split /\n/, DynProxy::slurp("$served");
my @failed  = grep { $_ ne '200' } @answers;
is "@failed", '', scalar(@answers) . ' requests, and nobody noticed';
note sprintf 'kills=%d in %.0f s, routes=%d acknowledged=%d lost=%d requests=%d failed=%d restart_ms: p50=%.0f p99=%.0f max=%.0f',
    $KILLS, $lasted, $ROUTES, scalar(() = $acknowledged =~ /\n/g), scalar @lost, scalar @answers, scalar @failed,
    map { $took[ int $#took * $_ ] } 0.5, 0.99, 1;

# A host without an identd, and one that opens all it may.
my @silent = map { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $proxy->{reg_port},
    LocalAddr => '127.0.0.9', Proto => 'tcp') // () } 1 .. 500;
is scalar(@silent), 500, 'a host opens 500 connections and says nothing';
for my $n (1 .. 19) {
    my $tool = $tools[$n];
    is $proxy->register($tool, '.*', $backend->url), 'ok', "registration $n beside them";
}
my $open = grep { vec(my $bits = '', fileno $_, 1) = 1; select($bits, undef, undef, 0) == 0 } @silent;
cmp_ok $open, '<=', 200, 'it has no more than 200 of them';

# Bytes that are no request: bounded, and nobody else's trouble.
my @odd = (
    ['a mebibyte without a newline', 'x' x (1 << 20)],
    ['NULs',                         "\0" x 5000],
    ['a million lines',              "\n" x 1_000_000],
    ['CR only',                      "register\r.*\rhttp://127.0.0.1:5000\r"],
    ['a lease of nothing',           "lease\n\n\n"],
    ['random bytes',                 join '', map { chr rand 256 } 1 .. 4000],
);
for my $case (@odd) {
    my ($what, $bytes) = @$case;
    my $socket = $proxy->connect_as($tools[0]);
    my $said   = eval { DynProxy::converse($socket, $bytes) } // '';
    like $said, qr/^(fail(: .*)?|)$/, "$what: refused";
    is $proxy->register($tools[1], '.*', $backend->url), 'ok', '  and the next one is served';
}

done_testing;
