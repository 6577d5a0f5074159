# kill -9 of the master: its workers serve on, a new master starts beside them,
# they finish what they have when its own are ready (3-processes.md).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use Fcntl qw(F_SETLK F_WRLCK);
use Load;
use Time::HiRes qw(time);

$SIG{PIPE} = 'IGNORE';

my $proxy   = DynProxy->new(workers => 2, tools => ['alpha'], conf => { keepalive_timeout => '5m' }, expect => qr/killed/);
my $backend = $proxy->backend(text => 'hello');
is $proxy->register('alpha', '.*', $backend->url), 'ok', 'a tool';

my @second = run_command('timeout', '20', $proxy->{program}, '-F', '-c', $proxy->conf_path);
is $second[0], 1, 'a second master does not start';
like $second[2], qr/runs already/, 'and says why';

# Connections that stay.
my @kept = map { $proxy->connect } 1 .. 16;
like $proxy->ask($_), qr/^HTTP\S+ 200 /, 'a connection is kept alive' for @kept;

my $load = Load->new(Load::requests(sub { ($proxy->get('alpha', '/')->body // '') eq 'hello' }));

my @workers   = $proxy->worker_pids;
my $registrar = $proxy->registrar_pid;
kill 'KILL', $proxy->{pid};
ok eventually(sub { $proxy->is_dead }), 'the master is dead';
ok eventually(sub { !kill 0, $registrar }), 'its registrar ends';
is scalar(grep { kill 0, $_ } @workers), 2, 'its workers do not';
like $proxy->ask($_), qr/^HTTP\S+ 200 (?!.*^Connection: close)/ms, 'they serve on' for @kept;
is $proxy->get('alpha', '/')->body, 'hello', "new clients, too, request $_" for 1 .. 8;
my ($requests, $failed) = $load->finish;
cmp_ok $requests, '>', 20, "$requests requests";
is $failed, 0, 'none of them failed';

my $begun = time;
$proxy->start;
ok eventually(sub { $proxy->ctl('status') == 0 }), 'a new master starts beside them';
diag sprintf 'back after %.2f s', time - $begun;
is scalar($proxy->worker_pids), 2, 'with workers of its own';
is $proxy->get('alpha', '/')->body, 'hello', "which serve what is in the store, request $_" for 1 .. 8;
is $proxy->register('alpha', '/more', $backend->url), 'ok', 'and there is a registrar';
ok eventually(sub { @workers == grep { /master-replaced/ } split /^/, $proxy->log }), 'the old ones have seen it';
like $proxy->ask($_), qr/^HTTP\S+ 200 .*^Connection: close\r$/ms, 'and answer a last time' for @kept;
$_->close for @kept;
ok eventually(sub { !grep { kill 0, $_ } @workers }), 'then they end';

# --- with a registrar that does not end: we have its lock (lib/presence.h)
$registrar = $proxy->registrar_pid;
@workers   = $proxy->worker_pids;
kill 'KILL', $proxy->{pid};
ok eventually(sub { $proxy->is_dead }), 'the master is dead';
ok eventually(sub { !kill 0, $registrar }), 'its registrar has ended';
open my $presence, '+<', "$proxy->{dir}/state/presence" or die $!;
my $lock = pack 'ssx4qqix4', F_WRLCK, 0, 2, 1, 0;    # struct flock
fcntl $presence, F_SETLK, $lock or die $!;
@second = run_command('timeout', '60', $proxy->{program}, '-F', '-c', $proxy->conf_path);
is $second[0], 1, 'there is no other beside it';
like $second[2], qr/the registrar of a dead master still runs: end it/, 'and it is told why';
close $presence;
$proxy->start;
ok eventually(sub { !grep { kill 0, $_ } @workers }), 'then there is, and the old workers end';
$proxy->settled;

# --- without a pause between the two
my @before = $proxy->worker_pids;
kill 'KILL', $proxy->{pid};
ok eventually(sub { $proxy->is_dead }), 'once more';
$proxy->start;
ok eventually(sub { (eval { $proxy->register('alpha', '/again', $backend->url) } // '') eq 'ok' }),
    'started at once: it waits for the registrar of before';
ok eventually(sub { !grep { kill 0, $_ } @before }), 'the old workers are gone';
is $proxy->get('alpha', '/')->body, 'hello', "request $_" for 1 .. 8;

# --- a start that fails leaves them alone
@before = $proxy->worker_pids;
kill 'KILL', $proxy->{pid};
ok eventually(sub { $proxy->is_dead }), 'killed again';
my $store = "$proxy->{dir}/state/routes.sqlite";
rename $store, "$store.kept" or die $!;
mkdir $store or die $!;
$load = Load->new(Load::requests(sub { ($proxy->get('alpha', '/')->body // '') eq 'hello' }));
@second = run_command('timeout', '60', $proxy->{program}, '-F', '-c', $proxy->conf_path);
($requests, $failed) = $load->finish;
is $second[0], 1, 'one whose registrar cannot have the store does not start';
like $second[2], qr/start-failed a child ends again and again/, 'and says so';
is $failed, 0, "and answers none of $requests requests meanwhile, as it knows no tool";
is $proxy->get('alpha', '/')->body, 'hello', "the workers of before serve on, request $_" for 1 .. 8;
rmdir $store or die $!;
rename "$store.kept", $store or die $!;
$proxy->start;
ok eventually(sub { !grep { kill 0, $_ } @before }), 'until there is one that does' or diag $proxy->log;
is $proxy->get('alpha', '/')->body, 'hello', "request $_" for 1 .. 8;

# --- the last words of a worker are for its master: never for a client
sub gone { scalar(() = $proxy->log =~ /dynproxy\[worker \d+\]: master-gone/g) }
$proxy->settled;
my $gone = gone();
kill 'KILL', $proxy->{pid};
ok eventually(sub { $proxy->is_dead && gone() == $gone + 2 }), 'both workers know that they are alone';
my $client = $proxy->connect;
my $signal = $DynProxy::BUILD =~ /address|thread/ ? 'KILL' : 'SEGV';    # a sanitizer has last words of its own
kill $signal, $proxy->worker_of($client);
my $said = '';
1 while $client->sysread($said, 4096, length $said);
is $said, '', 'one crashes: its client hears nothing of that';
$proxy->start;
done_testing;
