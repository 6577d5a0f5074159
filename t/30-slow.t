# Two thousand slow clients (heads and bodies that come byte by byte, answers
# that are read so) hurt nobody: every normal request beside them succeeds, in
# bounded time, and the slow ones come to an end (7-security.md 7.5).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use SlowCrowd;

my $crowd = SlowCrowd->new;
my $proxy = $crowd->proxy;
my $calm  = $crowd->load(3);
cmp_ok $calm->{requests}, '>', 100, "a calm run: $calm->{requests} requests, p99 $calm->{p99_us} us";
is $calm->{failures}, 0, 'all of them served';

$crowd->begin;
my $count = sub { my $n = 0; $n += $proxy->connections_of($_) for $proxy->worker_pids; $n };
ok eventually(sub { $count->() >= 0.95 * $SlowCrowd::CLIENTS }), "$SlowCrowd::CLIENTS slow clients";
my $beside = $crowd->load(15);    # longer than any of their deadlines
ok eventually(sub { $count->() >= 0.5 * $SlowCrowd::CLIENTS }), 'are there, or are back again';
cmp_ok $beside->{requests}, '>', 100, "beside them: $beside->{requests} requests, p99 $beside->{p99_us} us";
is $beside->{failures}, 0, 'all of them served';
cmp_ok $beside->{p99_us}, '<', 1_000_000, 'in bounded time';
cmp_ok $beside->{max_us}, '<', 10_000_000, "the longest took $beside->{max_us} us";

my %slow = $crowd->end;
cmp_ok $slow{$_}{closed}, '>', 0, "$_: $slow{$_}{closed} were ended" for 'slow-head', 'slow-read';
diag "slow-body: $slow{'slow-body'}{requests} answered, $slow{'slow-body'}{closed} ended";
ok eventually(sub { $count->() == 0 }, 20), 'none of them stays';
is $proxy->get('slow', '/')->status, 200, 'their tool is served as before';
done_testing;
