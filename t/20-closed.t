# Who starts dynproxyd may have closed descriptors 0 to 2: nothing that it opens
# takes their numbers, in any process, or its log would be written there.
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;

my $proxy = DynProxy->new(tools => ['alpha'], wrapper => ['sh', '-c', 'exec "$@" <&- >&- 2>&-', 'sh']);
my $backend = $proxy->backend(text => 'hello');
is $proxy->register('alpha', '.*', $backend->url), 'ok', 'a tool';
for my $pid ($proxy->{pid}, DynProxy::descendants($proxy->{pid})) {
    my ($name) = DynProxy::slurp("/proc/$pid/cmdline") =~ /(\w+)[\0\d]*\z/;
    is join(' ', map { readlink "/proc/$pid/fd/$_" } 0 .. 2), '/dev/null /dev/null /dev/null', "there is nothing else: $name";
}
my $registrar = $proxy->registrar_pid;
kill 'KILL', $registrar;
ok eventually(sub { ($proxy->registrar_pid // $registrar) != $registrar }), 'another registrar';
is $proxy->register('alpha', '/more/.*', $backend->url), 'ok', 'finds the table as it was';
is $proxy->get('alpha', '/')->body, 'hello', 'the tool is served';
done_testing;
