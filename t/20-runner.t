# webservice-runner: registers, runs, passes signals on, unregisters
# (5-webservice.md).
use FindBin;
use lib "$FindBin::Bin/lib";
use OwnNetwork;
use DynProxy;
use File::Temp;

my $proxy   = DynProxy->new(tools => ['alpha'], expect => qr/child-died registrar/);
my $socket  = $proxy->socket_path('register');
my $scratch = File::Temp->newdir;
chmod 0777, $scratch;
my @as_alpha = ('setpriv', "--reuid=$proxy->{uid}{alpha}", '--regid=65534', '--clear-groups', '--');

sub runner { return (@as_alpha, "$DynProxy::BUILD/webservice-runner", @_) }
sub registering { return runner('--register-proxy', '--type', 'generic', '--proxy', $socket, @_) }

# --- a server that serves until it is told to end
my $server = <<'PERL';
use IO::Socket::INET;
$SIG{TERM} = sub { exit 3 };
my $l = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => $ENV{PORT}, Listen => 9, ReuseAddr => 1) or die $@;
while (1) {
    my $c = $l->accept or next;
    1 while ($_ = <$c>) =~ /\S/;
    print $c "HTTP/1.0 200 OK\r\n\r\n$ENV{PORT} $ENV{TOOL_WEB_PORT}";
    close $c;
}
PERL
my $pid = fork // die $!;
if (!$pid) {
    open STDERR, '>', "$scratch/err";
    exec registering('--', 'perl', '-e', $server) or exit 127;
}
ok eventually(sub { $proxy->get('alpha', '/')->status == 200 }), 'the tool is served';
my ($port, $web_port) = split ' ', $proxy->get('alpha', '/')->body;
cmp_ok $port, '>=', 1024, 'PORT is a free port';
is $web_port, $port, 'TOOL_WEB_PORT is the same';
$proxy->ctl('list', 'alpha');
like $proxy->out, qr{127\.0\.0\.1:$port\b}, 'it is the one that was registered';
kill 'TERM', $pid;
waitpid $pid, 0;
is $? >> 8, 3, 'TERM reaches the command, its exit status comes back';
is $proxy->get('alpha', '/')->reason, 'tool-stopped', 'it was unregistered';
like DynProxy::slurp("$scratch/err"), qr/perl ended with status 3\n\z/, 'the last line says how it ended';

# --- how it ends, and with what
sub ends {
    my ($what, $want, $says, @command) = @_;
    my ($status, $out, $err) = run_command(@command);
    is $status, $want, "$what: $want";
    like $err, $says, 'the last line says why' if $says;
    return $out;
}
my $mine = free_port();
is ends('a command that succeeds', 0, undef, registering('--port', $mine, '--', 'sh', '-c', 'echo $PORT')),
    "$mine\n", '--port is obeyed';
ends('a command that fails',    7,   qr/ended with status 7\n\z/, registering('sh', '-c', 'exit 7'));
ends('a command that is killed', 137, qr/signal 9 .*\n\z/,         registering('sh', '-c', 'kill -9 $$'));
ends('no such command',         127, qr/cannot run/,              registering('/nonexistent'));
ends('where SIGCHLD is ignored', 7, qr/ended with status 7\n\z/, 'timeout', '-k', 1, 20,
    'perl', '-e', '$SIG{CHLD} = "IGNORE"; exec @ARGV', '--', registering('sh', '-c', 'exit 7'));
isnt $proxy->get('alpha', '/')->status, 200, 'after each the route is gone';

ends('no type',         125, qr/--type is missing\n\z/,      runner('true'));
ends('an unknown type', 125, qr/no type "cobol": the types are generic, /, runner('--type', 'cobol', 'true'));
ends('no command',      125, qr/the command is missing\n\z/, runner('--type', 'generic'));
ends('a port too low',  125, qr/--port 80 is too small/,     runner('--type', 'generic', '--port', 80, 'true'));
ends('no address',      125, qr/--address here: not an IP/,  registering('--address', 'here', 'true'));
ends('no tool',         125, qr/is unknown\n\z/,            runner('--type', 'nodejs'));
my @no_tool = ('setpriv', '--reuid=65533', '--regid=65534', '--clear-groups', '--', "$DynProxy::BUILD/webservice-runner",
    '--register-proxy', '--type', 'generic', '--proxy', $socket, '--', 'perl', '-e');
ends('a refusal', 125, qr/refused http.*: fail: uid 65533 is no tool here: .*\n\z/, @no_tool, $server);
(my $stubborn = $server) =~ s/sub \{ exit 3 \}/'IGNORE'/ or die;
ends('of one that ignores TERM', 125, qr/refused/, 'timeout', '-k', 1, 60, @no_tool, $stubborn);
ends('not registering', 0,   undef, runner('--type', 'generic', 'true'));

# --- a proxy that is not there is asked again, but a signal ends the wait
sub starts {
    my (@command) = @_;
    my $child = fork // die $!;
    return $child if $child;
    open STDERR, '>', "$scratch/err";
    open STDOUT, '>', '/dev/null';
    exec @command or exit 127;
}
$pid = starts(runner('--register-proxy', '--type', 'generic', '--proxy', "$scratch/nothing", '--port', $mine, '--', 'perl', '-e', $server));
ok eventually(sub { IO::Socket::INET->new(PeerAddr => "127.0.0.1:$mine") }), 'the server runs before there is a proxy';
kill 'TERM', $pid;
waitpid $pid, 0;
is $? >> 8, 3, 'TERM ends it';

# --- the lease: a runner that is killed leaves no route, a registrar that is
# started anew finds it again
$pid = starts(registering('--', 'perl', '-e', $server));
ok eventually(sub { $proxy->get('alpha', '/')->status == 200 }), 'served again';
kill 'KILL', $proxy->registrar_pid;
ok eventually(sub { $proxy->register('alpha', '/other', 'http://127.0.0.1:5557') eq 'ok' }), 'a new registrar';
is $proxy->get('alpha', '/')->status, 200, 'still serves it';
kill 'KILL', $pid;
waitpid $pid, 0;
ok eventually(sub { $proxy->get('alpha', '/')->status != 200 }), 'kill -9 of the runner: the route is gone';

# --- a proxy that is started anew has the lease again
$pid = starts(registering('--', 'perl', '-e', $server));
ok eventually(sub { $proxy->get('alpha', '/')->status == 200 }), 'served';
$proxy->stop;
$proxy->start;
ok eventually(sub { $proxy->get('alpha', '/')->status == 200 }), 'served by the new proxy';
ok eventually(sub { $proxy->ctl('list', 'alpha'); $proxy->out =~ /^alpha +\.\* +\S+ +tool +\w/m }, 30), 'which has the lease' or diag $proxy->out;
kill 'KILL', $pid;
waitpid $pid, 0;
ok eventually(sub { $proxy->get('alpha', '/')->status != 200 }), 'and sees its end';

# --- another proxy takes its place: the one that the file names by then has the lease
my $second = DynProxy->new(tools => ['alpha']);
OwnNetwork::write_etc('active-proxy', "$socket\n");
$pid = starts(runner('--register-proxy', '--type', 'generic', '--', 'perl', '-e', $server));
ok eventually(sub { $proxy->get('alpha', '/')->status == 200 }), 'served by the proxy of /etc/active-proxy';
OwnNetwork::write_etc('active-proxy', $second->socket_path('register') . "\n");
$proxy->stop;
ok eventually(sub { $second->get('alpha', '/')->status == 200 }, 30), 'which is gone: by the one that is there now';
kill 'TERM', $pid;
waitpid $pid, 0;
is $second->get('alpha', '/')->reason, 'tool-stopped', 'where it is unregistered';
$proxy->start;

# --- where nobody listens on a port that connections have, one may be with itself
open my $range, '>', '/proc/sys/net/ipv4/ip_local_port_range' or die $!;
syswrite $range, '40000 40000' or die $!;
(my $elsewhere = $server) =~ s/"127.0.0.1", LocalPort => \$ENV\{PORT\}/'0.0.0.0', LocalPort => 5559/ or die;
$pid = starts(registering('--port', 40000, '--', 'perl', '-e', $elsewhere));
ok eventually(sub { $proxy->ctl('list', 'alpha'); $proxy->out =~ m{127\.0\.0\.1:(?:40000|5559)\b} }), 'a server that does not look at --port';
like $proxy->out, qr{127\.0\.0\.1:5559\b}, 'is registered where it listens';
kill 'TERM', $pid;
waitpid $pid, 0;

done_testing;
