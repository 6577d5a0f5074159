# A mixed load, and each thing breaks once: whoever may live does, every answer
# that is no success says why (field/wishes.md 3).  Gently, so many requests between two
# faults; `make soak` is the long one.
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use Installed;
use Mixed;
use RedisServer;

my $ROUNDS = 8;    # of five requests and a registration, after each fault

my $dir = File::Temp->newdir;
chmod 0755, $dir;
my $installed = Installed->new("$DynProxy::BUILD/dynproxyd");
my $redis = RedisServer->new;
my $proxy = DynProxy->new(workers => 2, tools => [qw(alpha beta gamma)], program => $installed->path,
    expect => qr/child-|redis|store|upgrade-/, conf => {
    redis => '"' . $redis->addr . '"', access_log => qq("$dir/access.log"), access_log_format => 'json', keepalive_timeout => '2s' });
my $backend = $proxy->backend;
is $proxy->register($_, '.*', $backend->url), 'ok', "$_ registers" for qw(alpha beta);
my $mixed = Mixed->new($proxy, $backend);

# Another process in the place of one that was killed.
sub replaced {
    my ($role) = @_;
    my ($old) = $proxy->pids($role);
    kill 'KILL', $old;
    return eventually(sub { my @now = $proxy->pids($role); @now && !grep { $_ == $old } @now }, 30);
}
sub asked_for { my (@command) = @_; return $proxy->ctl(@command) == 0 }

my @faults = (
    'a worker is killed'          => sub { replaced('worker') },
    'the registrar is killed'     => sub { replaced('registrar') },
    'the logger is killed'        => sub { replaced('logger') },
    'another configuration'       => sub { $proxy->{conf}{body_timeout} = '11s'; $proxy->write_conf; asked_for('reload') },
    'one that takes workers'      => sub { $proxy->{conf}{request_line_max} = '4k'; $proxy->write_conf; asked_for('reload') },
    'an upgrade'                  => sub { asked_for('upgrade') },
    'Redis is killed'             => sub { $redis->kill_hard; $mixed->work for 1 .. $ROUNDS; $redis->start; 1 },
);
while (my ($what, $break) = splice @faults, 0, 2) {
    $proxy->settled;
    my @crowd = map { $proxy->clients(@$_) } ['slow-head', 'alpha', 5], ['slow-read', 'beta', 5, '/bytes/300000'], ['idle', 'alpha', 10];
    $mixed->work for 1 .. $ROUNDS;
    ok $break->(), $what or diag $proxy->log;
    $mixed->work for 1 .. $ROUNDS;
}
$mixed->judge;
ok $proxy->settled, 'every process is ready';
$proxy->stop;
$mixed->look_at("$dir/access.log");
$mixed->judge_answers;
done_testing;
