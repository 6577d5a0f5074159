# Bans, blocks, maintenance and limits: what dynproxyctl says holds at once, on
# every worker, and after a restart (2-http.md 2.1 steps 3 to 5).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use Socket qw(SOL_SOCKET SO_LINGER);

my $proxy = DynProxy->new(workers => 2, tools => ['alpha', 'beta', 'admin'], expect => qr/child-died/,
    conf => { operator_networks => '{ "127.0.0.9/32" }', tool_requests_max => 4,
        contact => '"the maintainers of {tool}"' });
my $backend = $proxy->backend;
is $proxy->register($_, '.*', $backend->url), 'ok', "tool $_" for qw(alpha beta admin);

# A GET from an address of ours.
sub from {
    my ($address, $tool, %field) = @_;
    my $path   = delete $field{path} // '/';
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $proxy->{http_port},
        LocalAddr => $address, Proto => 'tcp') // die "connect: $!";
    my $fields = join '', map { "$_: $field{$_}\r\n" } sort keys %field;
    return DynProxy::Response->new(DynProxy::converse($socket,
        "GET $path HTTP/1.1\r\nHost: " . $proxy->host($tool) . "\r\n${fields}Connection: close\r\n\r\n"));
}

# The reason, or else the status, of several: every worker is asked.
sub answers { my %seen; $seen{ $_->reason // $_->status }++ for map { from(@_) } 1 .. 12; return join ' ', sort keys %seen }

# --- bans
is $proxy->ctl('bans'), 0, 'bans';
is $proxy->out, '', 'there are none';
is $proxy->ctl('ban', '127.0.0.4/30'), 0, 'ban of a network';
like $proxy->out, qr{^127\.0\.0\.4/30 is banned$}m, 'says so';
is answers('127.0.0.5', 'alpha'), 'banned', 'who is in it is refused';
is from('127.0.0.5', 'alpha')->status, 403, 'with 403';
is answers('127.0.0.8', 'alpha'), 200, 'who is not is served';
is from('127.0.0.5', 'alpha', path => '/.well-known/healthz')->status, 200, 'the health check is for all';
is $proxy->ctl('ban', '127.0.0.7'), 0, 'ban of an address in it';
is $proxy->ctl('ban', '2001:db8::/32', '--until', '2999-01-01T00:00Z'), 0, 'and of IPv6';
my $bans = $proxy->ctl_json('bans');
is_deeply [map { $_->{subject} } @$bans], ['127.0.0.4/30', '127.0.0.7/32', '2001:db8::/32'], 'bans lists them';
is $bans->[2]{until}, '2999-01-01T00:00:00Z', 'with their end';
is $bans->[0]{until}, undef, 'if they have one';
is $proxy->ctl('unban', '127.0.0.4/30'), 0, 'unban';
is answers('127.0.0.5', 'alpha'), 200, 'who was in it is served';
is answers('127.0.0.7', 'alpha'), 'banned', 'the other ban stands';
is $proxy->ctl('unban', '127.0.0.4/30'), 1, 'unban of what is not banned';
is $proxy->ctl('unban', 'localhost'), 2, 'of what can be no ban';
is $proxy->ctl('ban', '10.0.0.0/8', '--until', '2000-01-01T00:00Z'), 1, 'a ban until a time that has passed';
for (['127.0.0.1/8'], ['localhost'], ['10.0.0.0/33'], ['10.0.0.0/8', '--for', 'ever'], ['a', 'b']) {
    is $proxy->ctl('ban', @$_), 2, "ban @$_";
    like $proxy->err, qr/^dynproxyctl: ..../, 'says: ' . $proxy->err =~ s/\n//gr;
}
is $proxy->ctl('ban', '127.0.0.6', '--for', '1h'), 0, 'a ban with an end';
is answers('127.0.0.6', 'alpha'), 'banned', 'holds';
is $proxy->ctl('ban', '127.0.0.6', '--for', '1s'), 0, 'one that comes soon';
ok eventually(sub { from('127.0.0.6', 'alpha')->status == 200 }), 'and ends by itself';
unlike join(' ', map { $_->{subject} } @{ $proxy->ctl_json('bans') }), qr/127\.0\.0\.6/, 'and is listed no more';

# --- blocks
is $proxy->ctl('block', 'agent', '^Evil(Bot)?/[0-9]'), 0, 'block of an agent';
is $proxy->ctl('block', 'referer', '//bad\.example/'), 0, 'and of a referer';
is answers('127.0.0.1', 'alpha', 'User-Agent' => 'EvilBot/2.0'), 'blocked-agent', 'the agent is refused';
is answers('127.0.0.1', 'alpha', 'User-Agent' => 'No EvilBot/2.0'), 200, 'another is not';
is answers('127.0.0.1', 'alpha', 'Referer' => 'https://bad.example/x'), 'blocked-referer', 'the referer is refused';
is answers('127.0.0.1', 'alpha', 'Referer' => 'https://badxexample/x'), 200, 'another is not';
is answers('127.0.0.1', 'alpha'), 200, 'nor is a client that tells nothing';
is $proxy->ctl('blocks'), 0, 'blocks';
like $proxy->out, qr{^KIND     SUBJECT .*^agent    \^Evil\(Bot\)\?/\[0-9\]\s.*^referer  //bad}ms, 'lists both';
is $proxy->ctl('unblock', 'agent', '^Evil(Bot)?/[0-9]'), 0, 'unblock';
is answers('127.0.0.1', 'alpha', 'User-Agent' => 'EvilBot/2.0'), 200, 'the agent is served';
is $proxy->ctl('block', 'agent', '('), 2, 'what is no pattern is refused';
like $proxy->err, qr/regular expression/, 'and told';
is $proxy->ctl('block', 'cookie', 'x'), 2, 'other fields cannot be blocked';
is $proxy->ctl('block', 'agent', '^(a+)+$'), 0, 'a pattern that may take for ever';
is answers('127.0.0.1', 'alpha', 'User-Agent' => 'a' x 4000 . 'b'), 200, 'does not';
$proxy->ctl('unblock', 'agent', '^(a+)+$');

# --- maintenance
is $proxy->ctl('maintenance', 'on', 'alpha'), 0, 'maintenance of a tool';
is answers('127.0.0.1', 'alpha'), 'tool-maintenance', 'answers for it';
my $answer = from('127.0.0.1', 'alpha');
is $answer->status, 503, 'with 503';
is $answer->header('retry-after'), 300, 'and Retry-After';
is answers('127.0.0.1', 'beta'), 200, 'another tool is served';
is answers('127.0.0.9', 'alpha'), 200, 'and an operator, too';
is $proxy->ctl('maintenance', 'on', 'admin', '--for', '1h'), 0, 'maintenance of the tool that the bare domain shows';
for my $path ('/', '/nobody/', '/admin/') {
    my $shown = DynProxy::Response->new($proxy->raw("GET $path HTTP/1.1\r\nHost: $DynProxy::DOMAIN\r\nConnection: close\r\n\r\n"));
    is $shown->reason // $shown->status, 'tool-maintenance', "answers there for $path";
    like $shown->header('retry-after'), qr/^3[56]\d\d$/, 'until it ends';
    like $shown->body, qr/the maintainers of admin/, 'and says whose';
}
is $proxy->raw("GET /beta/ HTTP/1.1\r\nHost: $DynProxy::DOMAIN\r\nConnection: close\r\n\r\n") =~ m{^HTTP/1.1 (\d+)} && $1, 200,
    'but not for a tool in the path';
is $proxy->ctl('maintenance', 'off', 'admin'), 0, 'off';
is $proxy->ctl('maintenance', 'on', '--for', '2h'), 0, 'maintenance of all';
is answers('127.0.0.1', 'beta'), 'maintenance', 'answers for all';
my $after = from('127.0.0.1', 'beta')->header('retry-after');
ok $after > 7100 && $after <= 7200, "until it ends: Retry-After: $after";
is answers('127.0.0.9', 'beta'), 200, 'an operator is served';
is answers('127.0.0.7', 'beta'), 'maintenance', 'it comes before bans';
is $proxy->ctl('maintenance'), 0, 'maintenance';
like $proxy->out, qr/^the site  .*^alpha     /ms, 'lists both';
is $proxy->ctl('maintenance', 'off'), 0, 'off';
is answers('127.0.0.1', 'beta'), 200, 'the site is served';
is answers('127.0.0.1', 'alpha'), 'tool-maintenance', 'but for the tool';
is $proxy->ctl('maintenance', 'off', 'beta'), 1, 'off, where there is none';
is $proxy->ctl('maintenance', 'on', 'Alpha!'), 2, 'on, for no tool';
is $proxy->ctl('maintenance', 'maybe'), 2, 'or neither';
for (['off', 'alpha', '--for', '1h'], ['off', '--until', '2999-01-01T00:00Z'], ['--for', '1h'], ['on', ''], ['off', '']) {
    is $proxy->ctl('maintenance', @$_), 2, "maintenance @$_: wrong usage";
    like $proxy->err, qr/maintenance is on, perhaps with --for or --until, or off at once/, 'which is told';
}
is answers('127.0.0.1', $_), $_ eq 'alpha' ? 'tool-maintenance' : 200, "nothing has changed for $_" for qw(alpha beta);

# --- over a restart of the registrar, and of all
kill 'KILL', my $registrar = $proxy->registrar_pid;
ok eventually(sub { my $pid = $proxy->registrar_pid; $pid && $pid != $registrar && $proxy->ctl('bans') == 0 }),
    'a new registrar';
is answers('127.0.0.7', 'beta'), 'banned', 'the ban stands';
$proxy->stop;
$proxy->start;
is answers('127.0.0.7', 'beta'), 'banned', 'after a restart, too';
is answers('127.0.0.1', 'alpha'), 'tool-maintenance', 'and the maintenance';
is answers('127.0.0.1', 'beta', 'Referer' => 'http://bad.example/'), 'blocked-referer', 'and the block';
is $proxy->ctl('maintenance', 'off', 'alpha'), 0, 'off';

# --- requests of one tool under way
my $slow = $proxy->backend(after_ms => 60_000);
is $proxy->register('alpha', '/slow', $slow->url), 'ok', 'a slow route';

# More than it may have, of which the first wait; until a worker says so.
sub fill {
    my @sockets = map { $proxy->connect } 1 .. 8;
    print $_ "GET /slow HTTP/1.1\r\nHost: " . $proxy->host('alpha') . "\r\nConnection: close\r\n\r\n" for @sockets;
    ok eventually(sub { from('127.0.0.1', 'alpha')->status == 503 }), 'a tool has no more than it may have';
    return @sockets;
}
my @waiting = fill();
ok eventually(sub { answers('127.0.0.1', 'alpha') =~ /^(?:200 )?limit-tool$/ }), 'the rest is refused';    # one worker may have room
ok eventually(sub { (from('127.0.0.1', 'alpha')->header('retry-after') // 0) > 0 }), 'with Retry-After';
is answers('127.0.0.1', 'beta'), 200, 'another tool does not notice';
kill 'KILL', $proxy->worker_pids;
ok eventually(sub { eval { answers('127.0.0.1', 'alpha') } eq 200 }), 'dead workers have nothing under way';
@waiting = fill();
setsockopt $_, SOL_SOCKET, SO_LINGER, pack 'II', 1, 0 for @waiting;    # reset, not closed
@waiting = ();
ok eventually(sub { answers('127.0.0.1', 'alpha') eq 200 }), 'nor have clients that left';

# --- no User-Agent
$proxy->stop;
$proxy->{conf}{refuse_no_agent} = 'yes';
$proxy->write_conf;
{
    no warnings 'redefine';
    local *DynProxy::is_ready = sub { $_[0]->get('nobody', '/', headers => { 'User-Agent' => 'x' })->status == 404 };
    $proxy->start;
}
is answers('127.0.0.1', 'beta'), 'no-agent', 'who does not say what it is, is refused if so configured';
is answers('127.0.0.1', 'beta', 'User-Agent' => 'x'), 200, 'who does is served';

done_testing;
