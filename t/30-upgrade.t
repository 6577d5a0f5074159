# USR2 and `dynproxyctl upgrade`: another program in the same process, by other
# children, with nothing refused and nothing cut; or none of it, and why
# (3-processes.md).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use File::Temp;
use Installed;
use Load;

$SIG{PIPE} = 'IGNORE';

my $installed = Installed->new("$DynProxy::BUILD/dynproxyd");
my $program   = $installed->path;

my $proxy = DynProxy->new(workers => 2, tools => ['alpha'], program => $program, conf => { keepalive_timeout => '5m' },
    expect => qr/upgrade-|workers-kept/);
my $backend = $proxy->backend(text => 'hello');
is $proxy->register('alpha', '.*', $backend->url), 'ok', 'a tool';
my $master = $proxy->{pid};

# Connections that stay.
my @kept = map { $proxy->connect } 1 .. 8;
like $proxy->ask($_), qr/^HTTP\S+ 200 /, 'a connection is kept alive' for @kept;

my $load = Load->new(Load::requests(sub { ($proxy->get('alpha', '/')->body // '') eq 'hello' }));

sub family { join ' ', sort { $a <=> $b } $proxy->registrar_pid, $proxy->worker_pids }
sub image { readlink "/proc/$master/exe" }

# --- refused
my $family = family();
$installed->put('/bin/false');
is $proxy->ctl('upgrade'), 1, 'a program that does not even start is refused';
like $proxy->err, qr/cannot take over/, 'and why';
my $text = File::Temp->new;
print $text "no program\n";
close $text;
$installed->put("$text");
is $proxy->ctl('upgrade'), 1, 'so is what is none';
like $proxy->err, qr/cannot be executed/, 'and why';
unlink $program;
is $proxy->ctl('upgrade'), 1, 'and what is not there';
like $proxy->err, qr/No such file/, 'and why';
is family(), $family, 'nothing has changed';

# --- done
$installed->put("$DynProxy::BUILD/dynproxyd");
like image(), qr/deleted/, 'the program that runs is not there any more';
is $proxy->ctl('upgrade'), 0, 'upgrade' or diag $proxy->err;
is image(), $program, 'the same process is the new program';
isnt family(), $family, 'with other children';
is $proxy->get('alpha', '/')->body, 'hello', "which serve, request $_" for 1 .. 8;
is $proxy->register('alpha', '/more', $backend->url), 'ok', 'and there is a registrar';
is $proxy->ctl('upgrade'), 75, 'another one is refused while the old workers drain';
like $proxy->ask($_), qr/^HTTP\S+ 200 .*^Connection: close\r$/ms, 'they answer a last time' for @kept;
$_->close for @kept;
my $draining = sub { grep { $_->{state} =~ /draining/ } @{ $proxy->ctl_json('status')->{processes} } };
ok eventually(sub { !$draining->() }), 'then they end';

my $upgrades = sub { scalar(() = $proxy->log =~ / upgraded /g) };
# --- with a table of another layout, and back to the one there was
for my $other ("$DynProxy::BUILD/t/dynproxyd-table", "$DynProxy::BUILD/dynproxyd") {
    $installed->put($other);
    is $proxy->ctl('upgrade'), 0, 'upgrade to another layout of the table' or diag $proxy->err;
    is $proxy->get('alpha', '/')->body, 'hello', "request $_" for 1 .. 8;
    ok eventually(sub { !$draining->() }), 'the old workers end';
}

# --- taken back
$installed->put("$DynProxy::BUILD/t/dynproxyd-hangs");
$family = join ' ', sort $proxy->worker_pids;
is $proxy->ctl('upgrade'), 1, 'a program whose workers are not ready in time';
like $proxy->err, qr/not ready in time, and the old one serves on/, 'is told';
# those of the other program have been killed, which takes its time; until then
# there is no room for others
ok eventually(sub { join(' ', sort $proxy->worker_pids) eq $family }), 'the workers of before are still there, and no other';
is $proxy->register('alpha', '/less', $backend->url), 'ok', 'and there is a registrar';

my $before = $upgrades->();
for my $round (1 .. 3) {
    $installed->put("$DynProxy::BUILD/dynproxyd");
    kill 'USR2', $master;
    ok eventually(sub { $upgrades->() == $before + $round }), "USR2, round $round";
    is image(), $program, 'the same process is the new program';
    ok eventually(sub { !$draining->() }), 'the old workers end';
    is $proxy->ctl('reload'), 0, 'then reload' or diag $proxy->err;
}

my ($requests, $failed) = $load->finish;
cmp_ok $requests, '>', 50, "$requests requests";
is $failed, 0, 'none of them failed';
is $proxy->{pid}, $master, 'the process is the same';
done_testing;
