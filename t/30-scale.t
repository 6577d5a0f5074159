# With 10,000 tools the metrics are less than 2 MB, whatever is asked of them,
# and every list is whole (4-operations.md 4.3).  `make bench-operations` tells
# how long it takes.
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use File::Temp;
use JSON::PP;
use ManyTools;

my ($TOOLS, $BUSY) = (10_000, 600);    # of which 500 have series of their own
my $backend = DynProxy::Backend->new($DynProxy::BUILD);
my $proxy   = ManyTools::proxy($TOOLS, $backend->url, workers => 2);

# --- the busiest have many series each
my @asked = ('GET /', 'POST /echo', 'PUT /nonsense', 'DELETE /', 'PATCH /nonsense', 'OPTIONS /');
my $answers = ManyTools::ask_all($proxy, [0 .. $BUSY - 1], @asked);
my $n = () = $answers =~ m{HTTP/1\.1 (?:200|502) }g;
cmp_ok $n, '>=', @asked * $BUSY, "$n answers";

my $metrics = $proxy->admin('/metrics');
ok $metrics->complete, 'the metrics are whole';
my $size = length $metrics->body;
cmp_ok $size, '<=', 2 << 20, "and at most 2 MB: $size bytes";
my %tools = map { $_ => 1 } $metrics->body =~ /\btool="([^"]+)"/g;
is scalar(grep { /^tool-/ } keys %tools), 500, 'of 500 tools';
ok $tools{_other}, 'and of the others';
my $sum = 0;
$sum += $_ for $metrics->body =~ /^dynproxy_http_requests_total\{tool="(?:tool-\d+|_other)",[^}]*\} (\d+)$/mg;
is $sum, @asked * $BUSY, 'which together are all that were answered';
my $file = File::Temp->new;
print $file $metrics->body;
close $file;
is join('', (run_command('sh', '-c', "promtool check metrics < $file"))[0, 2]), '0', 'promtool is content';

# --- every list is whole
# How many a list in JSON has: JSON::PP takes ten seconds for as many.
sub entries {
    my ($text) = @_;
    my $file = File::Temp->new;
    print $file $text;
    close $file;
    my (undef, $n) = run_command('python3', '-c', 'import json, sys; print(len(json.load(open(sys.argv[1]))))', "$file");
    return $n =~ s/\n//r;
}
is $proxy->ctl('--json', 'list'), 0, 'dynproxyctl list --json';
is entries($proxy->out), $TOOLS, 'has them all';
$proxy->ctl('list');
is scalar(() = $proxy->out =~ /^tool-\d+ /mg), $TOOLS, 'dynproxyctl list';
is entries($proxy->admin('/list')->body), $TOOLS, '/list';
is entries($proxy->admin('/list?full=1')->body), $TOOLS, '/list?full=1';
$proxy->ctl('export');
is scalar(() = $proxy->out =~ /^\{/mg), $TOOLS, 'dynproxyctl export';
is $proxy->ctl_json('top')->{total}, $TOOLS, 'dynproxyctl top';
sub from_here { DynProxy::converse($proxy->connect($proxy->{admin_port}), "GET $_[0] HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n") }
is decode_json(DynProxy::Response->new(from_here('/api/tools'))->body)->{total}, $TOOLS, "the status page's own";
is $proxy->ctl('list', ManyTools::name($TOOLS - 1)), 0, 'the last one';

# --- a reader who does not read takes nobody's time
my @lazy = map { my $s = $proxy->connect($proxy->{admin_port}); print $s "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"; $s } 1 .. 8;
is $proxy->admin('/metrics')->status, 200, 'who does not read the metrics keeps nobody else from it';
is $proxy->ctl('status'), 0, 'nor dynproxyctl';
done_testing;
