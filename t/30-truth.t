# `ok` means it: who has read it is served on every fresh connection, whoever
# else registers, is silent, has no identd, or kills the registrar
# (1-registration.md 1.1, 7-security.md 7.4).
use FindBin;
use lib "$FindBin::Bin/lib";
use OwnNetwork;
use DynProxy;

my $TOOLS    = $ENV{TRUTH_TOOLS} // 25;       # registrations that are looked at
my $REQUESTS = $ENV{TRUTH_REQUESTS} // 40;    # after each, on fresh connections
my $KILLS    = $ENV{TRUTH_KILLS} // 4;        # of the registrar

my @tools = map { "tool$_" } 1 .. 40;
my $proxy = DynProxy->new(
    workers => 2,
    tools   => \@tools,
    conf    => { registrations_open_max => 200, account_prefix => '"tools."' },
    expect  => qr/child-(?:died|crash-loop) registrar/,
);
my $backend = $proxy->backend(count => 2);

# Registers as fast as it is answered, and notes what was acknowledged.
my $noted = File::Temp->new;
my $other = fork // die "fork: $!";
if (!$other) {
    @SIG{qw(INT TERM)} = qw(DEFAULT DEFAULT);
    my $end = 0;
    $SIG{USR1} = sub { $end = 1 };
    open my $note, '>>', "$noted";
    $note->autoflush(1);
    for (my $n = 0; !$end; $n++) {
        my $tool = $tools[ 20 + $n % 20 ];
        my $url  = $backend->url(int rand 2);
        my $path = '/' . int(rand 40) . '/.*';
        my $said = eval { $proxy->register($tool, $path, $url) } // '';
        # without an answer either may be: it is said again
        $said = eval { $proxy->register($tool, $path, $url) } // '' until $said eq 'ok';
        print $note "$tool $path $url\n";
    }
    POSIX::_exit(0);
}
END { if ($other) { local $?; kill 'KILL', $other; waitpid $other, 0 } }

for my $n (1 .. $TOOLS) {
    my $tool = $tools[ $n % 20 ];
    my $at   = $n % 2;
    my $want = 'backend ' . $backend->port($at) . "\n";
    my $said = $proxy->register($tool, '.*', $backend->url($at));
    my $good = grep { $proxy->get($tool, '/')->body eq $want } 1 .. $REQUESTS;
    is "$said $good", "ok $REQUESTS", "registration $n: $REQUESTS of $REQUESTS requests";
}

for my $n (1 .. $KILLS) {
    my $pid = $proxy->registrar_pid;
    kill 'KILL', $pid;
    ok eventually(sub { my $now = $proxy->registrar_pid; $now && $now != $pid }), "registrar killed ($n), another is there";
    is $proxy->get($tools[1], '/')->status, 200, 'and nobody notices';
}
kill 'USR1', $other;
waitpid $other, 0;
undef $other;

# The last word on each route holds.
my %last = map { /^(\S+ \S+) (.*)$/ ? ($1 => $2) : () } split /\n/, DynProxy::slurp("$noted");
my %have = map { ("$_->{tool} $_->{pattern}" => $_->{destination}) } @{ $proxy->ctl_json('list') };
cmp_ok scalar(keys %last), '>', 20, scalar(keys %last) . ' routes were acknowledged meanwhile';
my @lost = grep { ($have{$_} // '') ne $last{$_} } sort keys %last;
is "@lost", '', 'none of them is lost';

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
