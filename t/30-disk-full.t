# A full disk under routes.sqlite: registrations are refused with a reason, all
# that was acknowledged is served and kept, and with room again, or after the
# file was damaged, it goes on (1-registration.md 1.3).
use FindBin;
use lib "$FindBin::Bin/lib";
use OwnNetwork;    # for a mount namespace of our own
use DynProxy;
use File::Temp;

my $disk = File::Temp->newdir;
OwnNetwork::run('mount', '-t', 'tmpfs', '-o', 'size=1m,mode=0755', 'tmpfs', "$disk");
mkdir "$disk/state" or die $!;
my $proxy = DynProxy->new(
    tools  => [map { "t$_" } 0 .. 9],
    conf   => { state_directory => qq("$disk/state") },
    expect => qr/store-failed|store-broken|child-(?:died|crash-loop) registrar/,
);
my $backend = $proxy->backend;

is $proxy->register('t0', '.*', $backend->url), 'ok', 'with room a route is taken';
my $registrar = $proxy->registrar_pid;
my $before    = memory_kb($registrar);

# Others fill what is left; then the log of SQLite cannot grow.
open my $filler, '>', "$disk/filler" or die $!;
$filler->autoflush(1);
1 while syswrite $filler, 'x' x 4096;
1 while syswrite $filler, 'x';
my @replies;
for my $n (1 .. 200) {
    push @replies, $proxy->register('t' . $n % 10, "/$n/.*", $backend->url);
    last if $replies[-1] ne 'ok' && @replies > 20;
}
my ($first) = grep { $_ ne 'ok' } @replies;
like $first, qr/^fail: the route cannot be stored \(database or disk is full\): \w/, 'without, it is refused, with a reason';
like $proxy->register('t1', '/long/' . 'x' x 900 . '/.*', $backend->url), qr/^fail: the route cannot be stored/, 'and again';
isnt $proxy->get('t1', '/long/' . 'x' x 900 . '/x')->status, 200, 'what was refused is not served';
is $proxy->get('t0', '/')->status, 200, 'what was acknowledged is';
is(() = $proxy->log =~ /store-failed/g, 1, 'the log says so once');
for my $n (1 .. 300) { $proxy->register('t2', "/again/$n/" . 'x' x 500, $backend->url) }
my $most = $DynProxy::BUILD =~ /address|thread/ ? 16384 : 4096;    # a sanitizer keeps what was freed
cmp_ok memory_kb($registrar) - $before, '<', $most, 'hundreds of refusals take no memory';

close $filler;
unlink "$disk/filler";
is $proxy->register('t1', '/room/.*', $backend->url), 'ok', 'with room again a route is taken';
is $proxy->registrar_pid, $registrar, 'by the same registrar';
like $proxy->log, qr/store-works/, 'the log says so';

my %acknowledged = ('t0 .*' => 1, 't1 /room/.*' => 1);
for my $n (1 .. @replies) { $acknowledged{ 't' . $n % 10 . " /$n/.*" } = 1 if $replies[$n - 1] eq 'ok' }
sub routes { return { map { ("$_->{tool} $_->{pattern}" => 1) } @{ $proxy->ctl_json('list') // [] } } }
is_deeply routes(), \%acknowledged, 'there is what was acknowledged, and nothing else';
kill 'KILL', $registrar;
ok eventually(sub { my $pid = $proxy->registrar_pid; $pid && $pid != $registrar && keys %{ routes() } }), 'a new registrar';
is_deeply routes(), \%acknowledged, 'finds the same in the file';

# The file is damaged under it: one that finds out is refused, then there is
# another file, with all that is known.
is $proxy->ctl('ban', '192.0.2.0/24'), 0, 'a ban';
run_command('python3', '-c', <<'PYTHON', "$disk/state/routes.sqlite");
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
db.close()
PYTHON
open my $file, '+<', "$disk/state/routes.sqlite" or die $!;
sysseek $file, 4096, 0;
syswrite $file, "\x{ff}" x 8192;
close $file;
$registrar = $proxy->registrar_pid;
like $proxy->register('t3', '/found/.*', $backend->url), qr/^fail: the route cannot be stored \(.*malformed/, 'damage is found';
is $proxy->get('t0', '/')->status, 200, 'what was served is served';
ok eventually(sub { $proxy->register('t3', '/after/.*', $backend->url) eq 'ok' }), 'then a route is taken';
$acknowledged{'t3 /after/.*'} = 1;
is $proxy->registrar_pid, $registrar, 'by the same registrar';
ok scalar(glob "$disk/state/routes.sqlite.broken-*"), 'the damaged file is kept';
is_deeply routes(), \%acknowledged, 'nothing is lost';
kill 'KILL', $registrar;
ok eventually(sub { my $pid = $proxy->registrar_pid; $pid && $pid != $registrar && keys %{ routes() } }), 'a new registrar';
is_deeply routes(), \%acknowledged, 'finds all in the new file';
$proxy->ctl('bans');
like $proxy->out, qr{192\.0\.2\.0/24}, 'the ban, too';
unlink glob "$disk/state/routes.sqlite.broken-*";

# A restart begins another file beside a damaged one.
$registrar = $proxy->registrar_pid;
for my $damaged ('', '-wal') {
    open $file, q(+<), "$disk/state/routes.sqlite$damaged" or die $!;
    syswrite $file, "\x{ff}" x 8192;
    close $file;
}
kill 'KILL', $registrar;
ok eventually(sub { my $pid = $proxy->registrar_pid; $pid && $pid != $registrar }), 'with a damaged file there is a registrar';
ok eventually(sub { $proxy->register('t3', '/new/.*', $backend->url) eq 'ok' }), 'a route is taken';
ok scalar(glob "$disk/state/routes.sqlite.broken-*"), 'and the damaged file is kept';
$proxy->stop;
OwnNetwork::run('umount', "$disk");

done_testing;
