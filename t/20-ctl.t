# dynproxyctl: what it answers and how it exits (dynproxyctl(8)).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use JSON::PP;

my $proxy   = DynProxy->new(workers => 2, tools => ['alpha'], expect => qr/killed|died|ended/);
my $backend = $proxy->backend;

is $proxy->ctl('list'), 0, 'list';
is $proxy->out, '', 'of nothing is nothing';
is $proxy->ctl('add', 'alpha', '.*', $backend->url), 0, 'add';
like $proxy->out, qr/alpha/, 'says what it did';
is $proxy->get('alpha', '/')->status, 200, 'who has read that is routed';
is $proxy->ctl('list'), 0, 'list';
my $addr = $backend->addr;
like $proxy->out, qr/^alpha\s+\.\*\s.*\Q$addr\E/m, 'shows tool, route and backend';
is $proxy->ctl('list', 'alpha'), 0, 'list of one tool';
like $proxy->out, qr/^alpha\s/m, 'shows it';
like $proxy->out, qr/\ATOOL +PATTERN .* SINCE +CANONICAL +HEALTH +HIT\n[^\n]*\n\z/, 'under its title';
is $proxy->ctl('list', 'beta'), 1, 'list of a tool that is not there';
like $proxy->err, qr/beta/, 'names it';
is $proxy->ctl('--no-headers', '--columns', 'destination,tool', 'list'), 0, '--no-headers --columns';
is $proxy->out, $backend->url . "  alpha\n", 'are what a script wants';
is $proxy->ctl('--columns', 'tool,colour', 'list'), 2, 'a column that is not there';
like $proxy->err, qr/no column "colour": there are tool pattern /, 'is told, and which there are';
is $proxy->ctl('--columns', 'tool', 'status'), 2, 'and a command that has no table';
is $proxy->ctl('--columns', 'tool', 'scrub', '-n'), 0, 'one that has nothing to show';
is $proxy->out, '', 'shows no title';
is $proxy->ctl_json('list')->[0]{destination}, $backend->url, '--json list is an array of routes';

is $proxy->ctl('-q', 'add', 'alpha', '/only/.*', $backend->url), 0, '-q add';
is $proxy->out, '', 'is silent';
is $proxy->ctl('del', 'alpha', '/only/.*'), 0, 'del of one route';
is $proxy->get('alpha', '/')->status, 200, 'leaves the other';
is $proxy->ctl('del', 'alpha', "/caf\xe9/.*"), 2, 'del of a route in Latin-1';
like $proxy->err, qr/is not UTF-8/, 'is refused: else it would be a del of the tool';
is $proxy->ctl('del', 'alpha'), 0, 'del of a tool';
isnt $proxy->get('alpha', '/')->status, 200, 'takes all of it';
is $proxy->ctl('del', 'alpha'), 1, 'del of what is not there';

is $proxy->ctl('-v', '-t', '30s', 'list'), 0, '-v';
like $proxy->err, qr{asking the registrar at /.*: exit status 0 after \d+ ms$}s, 'tells what it does';
is $proxy->ctl('-t', 'soon', 'list'), 2, '-t wants a duration';
is $proxy->ctl('-s', 'control.sock', 'list'), 2, '-s wants an absolute path';

# what cannot be right
for (
    ['Alpha!', '.*', $backend->url],
    ['alpha', '(', $backend->url],
    ['alpha', '.*', 'ftp://127.0.0.1:5000'],
    ['alpha', '.*', 'http://example.org:5000'],
    ['alpha', '.*', 'http://127.0.0.1'],
) {
    is $proxy->ctl('add', @$_), 2, "add @$_";
    like $proxy->err, qr/^dynproxyctl: ..../, 'says: ' . $proxy->err =~ s/\n//gr;
}
like $proxy->err, qr/needs a port/, 'the last one lacks its port';
is $proxy->ctl('list'), 0, 'and nothing of that';
is $proxy->out, '', 'was kept';

for (['drain', '127.0.0.1'], ['undrain', 'alpha'], ['del', 'Alpha!'], ['explain', 'http://alpha', '--client', 'me'], ['diff', 'http://node/'], ['registration', 'off', '--reason', "two\nlines"]) {
    is $proxy->ctl(@$_), 2, "@$_: is wrong usage";
    like $proxy->err, qr/^dynproxyctl: ..../, 'says: ' . $proxy->err =~ s/\n//gr;
}
is $proxy->ctl('drain', '127.0.0.1:1'), 1, 'a backend that is not there';

# how it is used
is $proxy->ctl, 2, 'no command: usage';
is $proxy->ctl('add', 'alpha'), 2, 'operands missing: usage';
like $proxy->err, qr/usage: dynproxyctl add tool route url/, 'says which';
is $proxy->ctl('frobnicate'), 2, 'an unknown command';
like $proxy->err, qr/frobnicate/, 'is named';
is $proxy->ctl('--help'), 0, '--help';
like $proxy->out, qr/^  list /m, 'lists the commands';
is $proxy->ctl('--version'), 0, '--version';

# status
is $proxy->ctl('status'), 0, 'status';
like $proxy->out, qr/^ *\d+ +worker 1\b/m, 'shows workers with their pids';
my $registrar = $proxy->registrar_pid;
is scalar(my @workers = $proxy->worker_pids), 2, 'two of them';
ok $registrar, 'and the registrar';
my ($status, $node) = ($proxy->ctl_json('status')->{registrar}{table}, decode_json($proxy->admin('/readyz?verbose')->body)->{table});
is "$status->{generation} $status->{checksum}", "$node->{generation} $node->{checksum}", "the table's generation and checksum, as in readyz";

# One that does not answer is waited for as long as -t says.
kill 'STOP', $registrar;
is $proxy->ctl('-t', '200ms', 'list'), 3, 'a registrar that is stopped';
like $proxy->err, qr/took the question and did not answer/, 'is told of';
kill 'CONT', $registrar;
ok eventually(sub { my $pid = $proxy->registrar_pid; $pid && $proxy->ctl('list') == 0 }, 30), 'and answers again';

# Where no registrar is, the master answers.
is +(run_command("$DynProxy::BUILD/dynproxyctl", '-c', $proxy->conf_path, '-s', '/nonexistent', 'status'))[0], 5,
    'status without a registrar is partial';
$proxy->ctl('-s', '/nonexistent', 'status');
like $proxy->out, qr/worker 0/, "and shows the master's half";

is +(run_command("$DynProxy::BUILD/dynproxyctl", '-s', '/nonexistent/control.sock', 'list'))[0], 3,
    'no daemon there: 3';
$proxy->ctl('-s', '/nonexistent/control.sock', 'list');
like $proxy->err, qr{cannot reach the registrar at /nonexistent/control\.sock: is dynproxyd running\?},
    'says what it tried';

# Who may: root and the owner.
{
    my ($code, $out, $err) = run_command('setpriv', '--reuid=65534', '--clear-groups', '--',
        "$DynProxy::BUILD/dynproxyctl", '-c', $proxy->conf_path, 'add', 'alpha', '.*', $backend->url);
    is $code, 4, 'a stranger is not permitted';
    isnt $proxy->get('alpha', '/')->status, 200, 'and nothing happened';
}

done_testing;
