# What the first pass over Redis has found is on disk before it has come to its
# end: a registrar that is killed in it, and its Redis with it, leaves it to the
# next one (1-registration.md 1.3).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use FakeRedis;

use constant TOOLS => 40;

sub array { '*' . @_ . "\r\n" . join '', @_ }
sub bulk  { '$' . length($_[0]) . "\r\n$_[0]\r\n" }

my @ports = map { free_port() } 1 .. 2;
my ($pages, @answers) = (0);

# A slow one: SCAN names a tool at a time, then them all again, without an end.
my $fake = FakeRedis->new(
    SCAN  => sub {
        select undef, undef, undef, 0.02;
        return array(bulk('7'), array(bulk('prefix:tool' . $pages++ % TOOLS)));
    },
    MULTI   => sub { @answers = (); "+OK\r\n" },
    EXISTS  => sub { push @answers, ":0\r\n"; "+QUEUED\r\n" },
    HGETALL => sub {
        push @answers, $_[1] =~ /^prefix:tool(\d+)$/ ? array(bulk('.*'), bulk("http://127.0.0.1:$ports[$1 % 2]")) : array();
        return "+QUEUED\r\n";
    },
    EXEC => sub { array(@answers) },
);
my $proxy = DynProxy->new(
    conf   => { redis => '"' . $fake->addr . '"' },
    expect => qr/redis-lost|redis-pass-failed|child-died registrar/,
);
sub routes { scalar @{ $proxy->ctl_json('list') // [] } }
sub rows   { (DynProxy::run_command('sqlite3', '-readonly', "$proxy->{dir}/state/routes.sqlite", 'select count(*) from route'))[1] + 0 }

ok eventually(sub { routes() == TOOLS }), 'the routes of Redis are there';
ok eventually(sub { rows() == TOOLS }), 'and in SQLite';
ok !$proxy->ctl_json('status')->{registrar}{redis}{synced}, 'though the pass goes on';
my $registrar = $proxy->registrar_pid;
kill 'KILL', $registrar;
$fake->stop;
ok eventually(sub { my $pid = $proxy->registrar_pid; $pid && $pid != $registrar }), 'it is killed, and its Redis is gone';
ok eventually(sub { routes() == TOOLS }), 'its successor has them all';
ok !$proxy->ctl_json('status')->{registrar}{redis}{connected}, 'not from Redis';
like $proxy->get("tool$_", '/')->reason, qr/^(tool-starting|backend-)/, "tool$_ is known to the workers" for 0, TOOLS - 1;

done_testing;
