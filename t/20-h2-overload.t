# A worker that has much to do lets HTTP/2 clients have 32 streams at a time,
# those that are connected already, too; and 100 again when it has not
# (7-security.md 7.5).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use IPC::Open2;
use IO::Handle;
use Socket;

my $FILES = 200;    # of which a worker counts 32 as its own; 160 are "busy"
my $proxy = DynProxy->new(tools => ['alpha'], tls => ["*.$DynProxy::DOMAIN"],
    wrapper => ['prlimit', "--nofile=$FILES:$FILES"], conf => { response_timeout => '5m', https_redirect => 'off' });
my $silent = IO::Socket::INET->new(Listen => 200, LocalAddr => '127.0.0.1');
is $proxy->register('alpha', '.*', 'http://127.0.0.1:' . $silent->sockport), 'ok', 'a tool that never answers';

sub client {
    my $pid = open2(my $said, my $say, "$FindBin::Bin/h2_streams.py", $proxy->{https_port});
    $say->autoflush(1);
    return sub {
        my ($command) = @_;
        if (!$command) { close $say; return waitpid $pid, 0 }
        print $say "$command\n";
        chomp(my $answer = <$said> // 'nothing');
        return $answer;
    };
}
sub step { ($proxy->log =~ /overload step=(\w+)/g)[-1] // 'calm' }

my ($with, $without) = (client(), client());
is $with->('until 100'), 100, 'in the calm: 100 streams';
is $with->('open 40'), 0, 'a client has 40';

# 2 clients, 40 backends, and two descriptors for each of these
my @busy = map {
    my $socket = $proxy->connect // die "connect: $!";
    setsockopt $socket, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
    $socket->syswrite("GET / HTTP/1.1\r\nHost: " . $proxy->host('alpha') . "\r\n\r\n");
    $socket
} 1 .. 44;
ok eventually(sub { step() eq 'busy' }), 'it is busy';

is $with->('until 32'), 32, 'who is connected is told of 32';
is $with->('open 1'), 0, 'who does not know it yet is not held to it';
is $with->('agree'), 1, 'but who has said so';
is $with->('open 2'), 2, 'has no stream more: they are refused';
is $without->('open 1'), 0, 'who comes again only now';
is $without->('until 32'), 32, 'is told, too';

@busy = ();
ok eventually(sub { step() eq 'calm' }), 'it is calm';
is $with->('until 100'), 100, 'and who is connected is told so';
is $with->('agree'), 1, 'once';
is $with->('open 59'), 0, 'and may have 100';
is $with->('open 1'), 1, 'not one more';
$_->() for $with, $without;
ok eventually(sub { $proxy->connections_of(($proxy->worker_pids)[0]) == 0 }), 'nobody is left';
done_testing;
