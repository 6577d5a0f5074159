# Who may not ask keeps nobody else from asking: not with silence either; and who
# may, asks not so often that nobody else could (7-security.md 7.2).
use FindBin;
use lib "$FindBin::Bin/lib";
use OwnNetwork;
use AsUser;
use DynProxy;
use Time::HiRes ();

my $NOBODY = 65534;
my $TENANT = '10.9.8.7';    # an exec node, where anybody's jobs run
OwnNetwork::run(qw(ip addr add), "$TENANT/32", qw(dev lo));

my $proxy = DynProxy->new(
    tools => [qw(alpha beta)],
    conf  => { admin_networks => qq({ "127.0.0.1/32", "$TENANT/32" }) },
);

my $registrar = $proxy->registrar_pid;
sub open_descriptors { return scalar(() = glob "/proc/$registrar/fd/*") }
my $alone = open_descriptors();

# Silent connections of somebody, as many as there are places, and more.
sub silent { my ($open) = @_; return map { $open->() || () } 1 .. 100 }

sub control_as {
    my ($uid) = @_;
    local $> = $uid;
    return IO::Socket::UNIX->new(Peer => $proxy->socket_path('control'));
}

my @strangers = silent(sub { control_as($NOBODY) });
is scalar @strangers, 100, '100 connections of nobody to the control socket';
is $proxy->ctl('list'), 0, 'root is answered all the same';
like DynProxy::converse($strangers[99]), qr/^\{"v":1,"exit":4,.*you may not/, 'nobody is told, without a question';
undef @strangers;

my ($status, undef, $told) = run_command(
    qw(setpriv --clear-groups --reuid), $NOBODY, '--regid', $NOBODY,
    "$DynProxy::BUILD/dynproxyctl", '-c', $proxy->conf_path, 'list');
is $status, 4, 'dynproxyctl says "not permitted" to nobody';
like $told, qr/you may not/, 'and why';

sub admin_from {
    my ($address) = @_;
    return IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $proxy->{admin_port},
        LocalAddr => $address, Proto => 'tcp');
}

@strangers = silent(sub { admin_from('127.0.0.9') });
is scalar @strangers, 100, '100 connections to port 8081 from elsewhere';
is $proxy->admin('/list')->status, 200, 'who may ask is answered all the same';
my $refused = DynProxy::Response->new(DynProxy::converse($strangers[99]));
is $refused->status, 403, 'who may not is told, without a request';
is $refused->body, "not from this address\n", 'and why';
undef @strangers;

# --- those who may, and take all they get -------------------------------------------

my ($alpha, $beta) = @{ $proxy->{uid} }{qw(alpha beta)};
is $proxy->register($_, '.*', 'http://127.0.0.1:' . free_port()), 'ok', $_ for qw(alpha beta);
my @watchers = silent(sub { control_as($alpha) });
{
    local $SIG{PIPE} = 'IGNORE';    # some are refused before they have said anything
    print $_ qq({"v":1,"cmd":"watch"}\n) for @watchers;
}
is scalar(grep { DynProxy::converse($_) =~ /^\{"v":1,"exit":75,.*too many/ } @watchers[ 90 .. 99 ]), 10, 'a tool that watches a hundred times is refused';
is +(ctl_as($proxy, $_->[0], 'list'))[0], 0, "$_->[1] is answered all the same"
    for [$beta, 'another tool'], [$DynProxy::USER{registrar}, "the registrar's user, as dynproxy-domains is"], [0, 'root'];
is +(ctl_as($proxy, $alpha, 'list'))[0], 75, '  it itself is not';
undef @watchers;

@strangers = silent(sub { admin_from($TENANT) });
is $proxy->admin('/readyz')->status, 200, 'a hundred connections of a host that may ask: this one is answered, as its keepalived asks';
like DynProxy::converse($strangers[99]), qr{^HTTP/1.1 503 }, '  and that one refused';
undef @strangers;

# --- no descriptors left ------------------------------------------------------------

sub limit {
    my ($max) = @_;
    is +(run_command(DynProxy::as_user_of($registrar), 'prlimit', "--pid=$registrar", "--nofile=$max:"))[0], 0, "prlimit $max";
}
sub times_logged { my ($event) = @_; return scalar(() = $proxy->log =~ /\b$event\b/g) }

my ($before) = (run_command(DynProxy::as_user_of($registrar), 'prlimit', "--pid=$registrar", '--nofile', '--noheadings', '--raw', '-oSOFT'))[1] =~ /(\d+)/;
ok eventually(sub { open_descriptors() <= $alone }), 'those who were here are gone';
limit(open_descriptors() + 2);
my @waiting = map { admin_from('127.0.0.1') } 1 .. 8;
ok eventually(sub { times_logged('accept-failed') }), 'no descriptors left: it says so';
my $until = Time::HiRes::time() + 0.5;    # five more tries
eventually(sub { Time::HiRes::time() > $until });
is times_logged('accept-failed'), 1, 'once';
is times_logged('accept-works'), 0, 'and nothing else';
limit($before);
my $answer = DynProxy::Response->new(
    DynProxy::converse($waiting[7], "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"));
is $answer->status, 200, 'who waited is served when there are some again';
ok eventually(sub { $proxy->admin('/healthz'); times_logged('accept-works') }), 'it says that, too';
is times_logged('accept-works'), 1, 'once';

# --- tools that hold all they can get -----------------------------------------------

my $few = DynProxy->new(tools => ['alpha'], wrapper => ['prlimit', '--nofile=128:128'], conf => { registration_rate => 1000, registration_burst => 1000, routes_per_tool_max => 128 });
my $backend = $few->backend;
my (@leases, $said);
for my $n (1 .. 128) {
    push @leases, $few->connect_as('alpha');
    $said = DynProxy::say_on($leases[-1], 'lease', "/$n", $backend->url);
    last if $said ne 'ok';
}
is $said, 'fail: too many registrations are open: try again in a minute', 'one more lease than there is room for';
is $few->ctl('registrations'), 0, 'operators are answered';
is scalar(() = $few->out =~ /^alpha .* leased /mg), $#leases, 'and see who holds the others';
is $few->admin('/list')->status, 200, 'so is who asks for the list';
like $few->log, qr/registrations-full open=$#leases/, 'it is logged';
close pop @leases for 1, 2;
ok eventually(sub { $few->register('alpha', '/last', $backend->url) eq 'ok' }), 'when one is gone there is room';

done_testing;
