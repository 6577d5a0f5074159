# A thousand tools, each with a backend of its own: every request is answered
# by the right one, also while others register.
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;

my $TOOLS    = 1000;
my $CLIENTS  = 4;
my $REQUESTS = 2000;    # of each client

my @tools = map { sprintf 'tool%03d', $_ } 0 .. $TOOLS - 1;
my $proxy = DynProxy->new(workers => 2, tools => \@tools);
my $backend = $proxy->backend(count => $TOOLS);

my @refused = grep { $proxy->register($tools[$_], '.*', $backend->url($_)) ne 'ok' } 0 .. $#tools;
is "@refused", '', "$TOOLS tools registered";

# One kept-alive connection, requests to tools in random order; how many
# answers were wrong, or missing.
sub browse {
    my ($seed) = @_;
    srand $seed;
    my ($socket, $wrong, $buffer) = ($proxy->connect, 0, '');
    for (1 .. $REQUESTS) {
        my $i = int rand $TOOLS;
        print $socket "GET / HTTP/1.1\r\nHost: $tools[$i].$DynProxy::DOMAIN\r\n\r\n";
        my $want = 'backend ' . $backend->port($i) . "\n";
        until ($buffer =~ /\r\n\r\n.*\n\z/s) {
            $socket->sysread($buffer, 65536, length $buffer) or last;
        }
        my $answer = DynProxy::Response->new($buffer);
        $wrong++ if $answer->status != 200 || $answer->body ne $want
            || $answer->header('x-backend') != $backend->port($i);
        $buffer = '';
    }
    return $wrong;
}

my %client;
for my $seed (1 .. $CLIENTS) {
    my $pid = fork // die $!;
    if (!$pid) {
        POSIX::_exit(browse($seed) ? 1 : 0);
    }
    $client{$pid} = $seed;
}
# meanwhile the routes are written anew, which must change nothing
my $again = 0;
while (%client) {
    my $i = $again++ % $TOOLS;
    is $proxy->register($tools[$i], '.*', $backend->url($i)), 'ok', "$tools[$i] again" if $again % 100 == 0;
    $proxy->register($tools[$i], '.*', $backend->url($i)) if $again % 100 != 0;
    my $ended = waitpid -1, POSIX::WNOHANG;
    is $?, 0, 'client ' . delete($client{$ended}) . ": $REQUESTS answers, each from the right backend"
        if $ended > 0 && $client{$ended};
}
done_testing;
