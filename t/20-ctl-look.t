# What dynproxyctl shows of tools: tool, top, tail, doctor; a tool's own user sees
# its own tool and nothing else; the prompt; completion (4-operations.md 4.2).
use FindBin;
use lib "$FindBin::Bin/lib";
use AsUser;
use DynProxy;
use Encode qw(decode);
use File::Temp;
use IPC::Open3;
use JSON::PP;
use Time::HiRes ();

my $scratch = File::Temp->newdir;
chmod 0777, $scratch;
my $proxy = DynProxy->new(workers => 2, tools => [qw(alpha beta)], expect => qr/reload-refused|dynproxy\.conf:/,
    conf => { access_log => qq("$scratch/access.log"), local_tools => '{ "61000:alpha", "61001:beta" }' });
my $backend = $proxy->backend;
is $proxy->register('alpha', '.*', $backend->url), 'ok', 'a tool';
is $proxy->register('beta', '.*', 'http://127.0.0.1:' . free_port()), 'ok', 'one that does not answer';
$proxy->get('alpha', '/fine') for 1 .. 5;
$proxy->get('beta', '/broken?x=1') for 1 .. 3;

# --- tool
is $proxy->ctl('tool', 'beta'), 0, 'tool';
like $proxy->out, qr/^beta: /, 'its name, how it is';
like $proxy->out, qr/^routes:\nPATTERN +DESTINATION .*\n\.\* +http:/m, 'its routes';
like $proxy->out, qr/^\s+\S+T\S+Z\s+503\s+(?:tool-starting|backend-refused)\s.*GET \/broken\?x=1 HTTP/m, 'its last errors';
like $proxy->out, qr/^  (?:tool-starting|backend-refused)\s+3$/m, 'how often';
is scalar @{ $proxy->ctl_json('tool', 'beta')->{last_errors} }, 3, '--json';
is scalar @{ $proxy->ctl_json('tool', 'alpha')->{last_errors} }, 0, 'a tool without errors';
is $proxy->ctl('tool', 'nobody'), 1, 'of nobody';

# --- top
sub top_shows { my ($line) = @_; return $proxy->ctl('top', '--once') == 0 && $proxy->out =~ $line }
ok eventually(sub { top_shows(qr/^alpha\s+good\s/m) }, 30), 'top' or diag $proxy->out;
ok eventually(sub { top_shows(qr/^beta\s+down\s.*100\.0 %/m) }, 30), 'a tool that is down' or diag $proxy->out;
ok eventually(sub { $proxy->log =~ /tool-down name=beta requests=\d+ errors=\d+/ }), 'which is an event';
unlike $proxy->log, qr/tool-(?:down|up) name=alpha/, 'of it alone';
unlike $proxy->out, qr/\e/, 'no colours where there is no terminal';
is $proxy->ctl_json('top')->{total}, 2, '--json';
is $proxy->ctl('top', '--never'), 2, 'only --once';
is $proxy->ctl('top', '--by', 'colour'), 2, 'or a known order';
for (['rate', qr/>req.*^alpha .*^beta /ms], ['errors', qr/ req\/s >errors.*^beta .*^alpha /ms]) {
    my ($by, $want) = @$_;
    ok eventually(sub {
        $proxy->get($_, '/again') for qw(alpha alpha beta);
        $proxy->ctl('top', '--by', $by);
        $proxy->out =~ $want;
    }), "--by $by" or diag $proxy->out;
}

# --- names that nobody has; one of them is asked for until all is ready
sub ask_for {
    my ($host, $path) = @_;
    return DynProxy::Response->new(DynProxy::converse($proxy->connect, "GET $path HTTP/1.1\r\nHost: $host\r\nConnection: close\r\n\r\n"))->status;
}
my $long = join '.', (map { $_ x 60 } qw(x y z)), 'example';
is ask_for($_->[0], $_->[1]), 404, "$_->[0]$_->[1]: nobody's" for ([$long, '/'], ['www.Foreign.example', '/a'], ['example.test', '/delta/b'], (['gamma.example.test', '/']) x 12);
is $proxy->get('beta', '/broken')->status, 503, 'one that somebody has';
is $proxy->ctl('top', 'unknown'), 0, 'top unknown';
like $proxy->out, qr/\AREQUESTS +LAST +NAME *\n +12 +20\S+Z  gamma\.example\.test\n/, 'the most asked for first';
like $proxy->out, qr/^ +1  20\S+  \Q$_->[1]\E$/m, $_->[0]
    for ['a host', 'www.foreign.example'], ['a tool in the path', 'example.test/delta'], ['one that is cut', substr $long, 0, 175];
unlike $proxy->out, qr/beta/, 'none that somebody has';
is $proxy->ctl('add', 'gamma', '/only', $backend->url), 0, 'somebody takes the name';
is ask_for('gamma.example.test', '/'), 404, 'and has nothing there';
$proxy->ctl('top', 'unknown');
like $proxy->out, qr/^ +12 .*gamma\.example\.test$/m, 'which is no unknown name';
is $proxy->ctl('del', 'gamma'), 0, 'he goes';
is $proxy->ctl('--no-headers', '--columns', 'name', 'top', 'unknown'), 0, '  it is a table';
like $proxy->out, qr/\Agamma\.example\.test\n/, '  with columns';
is $proxy->ctl('--columns', 'name', 'top', '--once'), 2, '  as top itself is not';
is_deeply [sort keys %{ $proxy->ctl_json('top', 'unknown')->[0] }], [qw(last name requests)], '--json';

# on a terminal, until q
my $rows = 5;
sub on_terminal {
    my ($keys, @words) = @_;
    local $ENV{TERM} = 'xterm';
    my $pid = open3(my $in, my $out, undef, 'script', '-qec',
        join(' ', "stty rows $rows cols 70; echo pid \$\$; exec", "$DynProxy::BUILD/dynproxyctl", '-c', $proxy->conf_path, @words), '/dev/null');
    my $said = '';
    for my $key (@$keys) {
        my ($await, $press) = @$key;
        local $SIG{ALRM} = sub { kill 'TERM', $pid; die "never said $await: $said" };
        alarm 60;
        sysread $out, $said, 65536, length $said or last until $said =~ $await;
        ref $press ? $press->($said) : syswrite $in, $press;
        alarm 0;
    }
    1 while sysread $out, $said, 65536, length $said;
    waitpid $pid, 0;
    return ($? >> 8, $said);
}
sub frames { my ($said) = @_; return grep { /^dynproxy/ } map { s/\e\[[\d;?]*[A-Za-z]//gr } split /\e\[H/, decode('UTF-8', $said) }
my ($status, $said) = on_terminal([[qr/>req.*alpha/s, 'e'], [qr/>errors.*beta.*alpha/s, 'q']], 'top');
is $status, 0, 'top on a terminal, until q';
like $said, qr/\e\[\?1049h.*alpha.*\e\[\?7h\e\[\?25h\e\[\?1049l/s, 'gives the screen back';
my @lines = split /\r?\n/, (frames($said))[0];
is scalar @lines, 5, 'its height';
is scalar(grep { length > 70 } @lines), 0, 'and its width' or diag explain \@lines;

# one that is too low has what there is room for, and does not move
for my $few (3, 1) {
    $rows = $few;
    ($status, $said) = on_terminal([[qr/ready/, 'q']], 'top');
    my ($frame) = $said =~ /\e\[H(.*?)\e\[J/s;
    is $status . $frame =~ tr/\n//, '0' . ($few - 1), "top on $few rows: " . ($few - 1) . ' ends of lines';
}
$rows = 5;

# a signal ends it, and gives the screen back, too
($status, $said) = on_terminal([[qr/alpha/, sub { kill 'TERM', $_[0] =~ /^pid (\d+)/m }]], 'top');
is $status, 128 + 15, 'top is terminated';
like $said, qr/\e\[\?1049h.*alpha.*\e\[\?1049l/s, '  and gives the screen back';

# the registrar is away for a while
my @stopped = ($proxy->{pid}, $proxy->registrar_pid);    # the master would replace it
($status, $said) = on_terminal([[qr/alpha/, sub { kill 'STOP', @stopped }],
    [qr/did not answer/, sub { kill 'CONT', reverse @stopped }],
    [qr/did not answer.*\e\[H[^\n]*ready\e/s, 'q']], '-t', '2s', 'top');
is $status, 0, 'top waits for a registrar that does not answer';
like +(grep { /did not answer/ } frames($said))[0], qr/^alpha /m, '  and shows what there was';
is $proxy->ctl('maintenance', 'on', 'beta'), 0, 'maintenance';
is $proxy->ctl_json('tool', 'beta')->{state}, 'maintenance', '  is how a tool is';
is $proxy->ctl('maintenance', 'off', 'beta'), 0, '  until it ends';

is $proxy->register('beta', '/fine', $backend->url), 'ok', 'a route that works';
ok eventually(sub { $proxy->get('beta', '/fine'); $proxy->log =~ /tool-up name=beta/ }, 60), 'not all of them fail: another event';
is $proxy->unregister('beta', '/fine'), 'ok', 'it goes';

# --- the prompt
($status, $said) = on_terminal([[qr/dynproxyctl> /, "list 'alpha'\n"], [qr/alpha\s+\.\*/, "quit\n"]]);
is $status, 0, 'no command: a prompt';
like $said, qr/alpha\s+\.\*\s+\Q@{[$backend->url]}\E/, 'which runs commands';

# --- tail
sub tail {
    my @words = @_;
    my $pid = open my $lines, '-|', "$DynProxy::BUILD/dynproxyctl", '-c', $proxy->conf_path, @words or die $!;
    return { pid => $pid, lines => $lines };
}
sub line_of {
    my ($tail, $ask) = @_;
    local $SIG{ALRM} = sub { die "no line\n" };
    alarm 20;
    my $rin = '';
    vec($rin, fileno $tail->{lines}, 1) = 1;
    $ask->() until select(my $ready = $rin, undef, undef, 0.3);
    my $line = readline $tail->{lines};
    alarm 0;
    return $line;
}
my $all = tail('tail');
like line_of($all, sub { $proxy->get('alpha', '/tailed') }), qr/^alpha\.example\.test .*"GET \/tailed HTTP/, 'tail';

# the terminal of one is stopped (Ctrl-S) while more comes than its sockets hold
my $stopped = tail('tail');
line_of($stopped, sub { $proxy->get('alpha', '/before') });
kill 'STOP', $stopped->{pid};
my $stopped_at = Time::HiRes::time();
$proxy->get('alpha', '/' . 'x' x 3000) for 1 .. 150;

my $one = tail('tail', 'beta');
like line_of($one, sub { $proxy->get('alpha', '/not-this'); $proxy->get('beta', '/this') }), qr/^beta\.example\.test .*"GET \/this HTTP/, 'of one tool';
like line_of($one, sub { ask_for('beta.foreign.example', '/theirs'); $proxy->get('beta', '/own') }), qr/"GET \/own HTTP/, '  and of no other domain that begins with its name';
for ($all, $one) { kill 'TERM', $_->{pid}; close $_->{lines} }

# --- a tool's own user
(my $code, my $out, my $err) = ctl_as($proxy, 61000, 'tool', 'alpha');
is $code, 0, "a tool's user sees its tool";
like $out, qr/^alpha: /, 'which is this';
($code, $out) = ctl_as($proxy, 61000, 'list');
is $code, 0, 'list';
unlike $out, qr/beta/, 'has no other';
like $out, qr/^alpha\s/m, 'but its own';
($code, $out) = ctl_as($proxy, 61000, 'export');
is $code, 0, 'export';
is_deeply [map { decode_json($_)->{tool} } split /\n/, $out], ['alpha'], 'has no other, too';
is +(ctl_as($proxy, 61000, 'stale'))[0], 0, 'nor has stale';
for (['tool', 'beta'], ['list', 'beta'], ['tail', 'beta'], ['status'], ['top'], ['del', 'alpha'], ['watch', 'beta'], ['doctor'],
    ['add', 'alpha', '.*', $backend->url], ['ban', '192.0.2.0/24'], ['explain', 'http://beta.example.test/']) {
    ($code, $out, $err) = ctl_as($proxy, 61000, '--json', @$_);
    is $code, 4, "@$_: not permitted" or diag $out, $err;
    unlike $out, qr/127\.0\.0\.1:\d/, 'and nothing told';
}
is +(ctl_as($proxy, 62000, 'tool', 'alpha'))[0], 4, 'a user who is no tool sees nothing';

# --- the tail that was stopped for half a minute
eventually(sub { Time::HiRes::time() > $stopped_at + 31 }, 60);    # longer than a reader may take for an answer
kill 'CONT', $stopped->{pid};
my $last;
do { $last = line_of($stopped, sub { $proxy->get('alpha', '/after') }) } while defined $last && $last !~ /GET \/after /;
ok defined $last, 'goes on with what comes';
kill 'TERM', $stopped->{pid};
close $stopped->{lines};

# --- doctor
is $proxy->ctl('doctor'), 0, 'doctor';
like $proxy->out, qr/^ok\s+end to end\s.*HTTP\/1\.1 200/m, 'a request end to end';
like $proxy->out, qr/^ok\s+registrar\s+ready, 2 workers/m, 'the registrar';
is +(grep { $_->{check} eq 'descriptors' } @{ $proxy->ctl_json('doctor') })[0]{result}, 'ok', 'descriptors';
$proxy->configure(https => undef);
is $proxy->ctl('reload'), 0, 'https by default, without a certificate';
is $proxy->ctl('doctor'), 0, '  is nothing that is broken';
like $proxy->out, qr/^ok\s+certificates\s+none$/m, '  and said to be so';
utime time + 100, time + 100, $proxy->conf_path;
is $proxy->ctl('doctor'), 0, 'a file that is newer than what it has read';
like $proxy->out, qr/^doubt\s+configuration\s.* has changed since it was read/m, '  is in doubt';
utime time - 100, time - 100, $proxy->conf_path;
$proxy->ctl('doctor');
like $proxy->out, qr/^ok\s+configuration\s/m, '  and an older one is not';
$proxy->{conf}{workers} = 0;
$proxy->write_conf;
is $proxy->ctl('reload'), 1, 'a reload that is refused';
is decode_json($proxy->admin('/readyz?verbose')->body)->{reload_refused}, JSON::PP::true, '  is told';
delete $proxy->{conf}{workers};
$proxy->write_conf;
$proxy->ctl('doctor');
like $proxy->out, qr/^doubt\s+configuration\s.*was refused/m, '  also here';
is $proxy->ctl('reload'), 0, '  until the next one is not';
my @workers = $proxy->worker_pids;
my ($registrar) = $proxy->pids('registrar');
kill 'STOP', $proxy->{pid}, $registrar;    # the master would replace them
is $proxy->ctl('-t', '100ms', 'doctor'), 1, 'a registrar that does not answer: broken';
is join(' ', map { $_->{check} } @{ $proxy->ctl_json('-t', '100ms', 'doctor') }),
    'configuration registrar clock end to end', 'of what it alone knows nothing is said';
kill 'CONT', $registrar;
kill 'STOP', @workers;
is $proxy->ctl('doctor'), 1, 'workers that do not answer: broken';
like $proxy->out, qr/^broken\s+end to end/m, 'which is said';
kill 'CONT', @workers, $proxy->{pid};
done_testing;
