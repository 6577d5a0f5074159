# Three nodes behind one floating address, as dynproxy-cluster(7) builds them:
# whatever is taken away, tools and requests go on, and the nodes agree again
# (4-operations.md 4.4).  CLUSTER_TOOLS (5000) routes for the node that is built
# anew; CLUSTER_SECONDS (30) until nodes agree, which is 10 on a quiet machine,
# and all else may be late by as much.
use FindBin;
use lib "$FindBin::Bin/../lib";
use OwnNetwork;
use DynProxy;
use Cluster;
use Cluster::Load;
use Cluster::Tools;
use File::Temp;
use IPC::Open2;
use Time::HiRes qw(sleep time);

my $SECONDS = $ENV{CLUSTER_SECONDS} // 30;
my $ROUTES  = $ENV{CLUSTER_TOOLS} // 5000;
my $RATE    = 200;
my $BACK    = 3.6 + 1 + $SECONDS - 10;    # seconds: what keepalived needs, and one

my $cluster = Cluster->new;
ok eventually(sub { $cluster->holder }, 30), 'one node has the floating address';
my $tools = Cluster::Tools->new(cluster => $cluster, count => 20, steady => 2);

# Look until it is so, while tools die and come back.
sub meanwhile { my ($ask, $seconds) = @_; return eventually(sub { $tools->churn; $ask->() }, $seconds // 60) }

# Nobody dies any more, and who died comes back: all nodes agree, and have what
# lives, counted from now or from an earlier moment.
sub settled {
    my ($when, $since) = @_;
    my (@missing, $agree);
    $since //= time;
    $tools->revive;
    my $settled = eventually(sub {
        $agree = $cluster->agree($cluster->names) or return 0;
        @missing = map { my $name = $_; map { "t$_ on $name" } $tools->missing_on($name) } $cluster->names;
        return !@missing;
    }, $SECONDS);
    my $took = time - $since;
    ok $settled && $took <= $SECONDS, sprintf '%s: all nodes agree after %.1f s, and no live tool is missing', $when, $took;
    diag $agree ? "missing: @missing" : join "\n", map { "$_ " . JSON::PP::encode_json($cluster->told($_)->{table} // {}) } $cluster->names if !$settled;
}
eventually(sub { !map { $tools->missing_on($_) } $cluster->names }, 60);
settled('at first');

my $load = Cluster::Load->new(address => $Cluster::ADDRESS, rate => $RATE, hosts => [map { $cluster->node('proxy1')->host($_) } qw(t0 t1)]);
eventually(sub { $load->since(0)->{all} > 2 * $RATE }, 30);
my $calm = $load->since(0);
note sprintf '%d requests, %.1f ms each (90 %%: %.1f ms)', @$calm{qw(all median p90)};

# What is under way when the address moves, where requests take as long as here;
# at most 2 elsewhere.
my $under_way = int(2.5 * $RATE * $calm->{p90} / 1000);
my $lost = $under_way > 2 ? $under_way : 2;

# None fails since then but by a move of the address, one or those that a slow
# machine brings about by itself.
sub served {
    my ($what, $began, $moves) = @_;
    eventually(sub { $load->since($began)->{all} > $RATE }, 30);
    my $was = $load->outcome($began);
    $moves = $cluster->moves - $moves;
    cmp_ok $was->{failed}, '<=', $lost * $moves, sprintf '%s: requests=%d failed=%d longest=%.2f s moves=%d', $what, @$was{qw(all failed gap)}, $moves or diag $was->{why};
}

# --- planned: standby; sessions of TLS go on at the other node
my ($said, $say);
my $sessions = open2($said, $say, '/usr/bin/python3', "$DynProxy::ROOT/t/lib/Cluster/sessions.py", $Cluster::ADDRESS, $cluster->node('proxy1')->host('t0'), $cluster->{ca}->file, 100);
is <$said>, "ready\n", '100 TLS sessions';
my $first = eventually(sub { $cluster->holder });
my ($began, $moves) = (time, $cluster->moves);
is $cluster->typed($first, 'dynproxyctl standby on'), 0, "standby on $first" or diag $cluster->{said};
ok meanwhile(sub { my $now = $cluster->holder; $now && $now ne $first }), 'the address moves';
my $moved = time - $began;
eventually(sub { $load->since($began + $moved)->{all} > $RATE }, 30);
served(sprintf('planned failover: moved after %.1f s', $moved), $began, $moves);
{ local $SIG{PIPE} = "IGNORE"; print {$say} "\n" }
my ($resumed) = (<$said> // '') =~ /^resumed=(\d+)/;
cmp_ok $resumed // 0, '>=', 99, "TLS sessions go on: $resumed of 100";
waitpid $sessions, 0;
is $cluster->typed($first, 'dynproxyctl standby off'), 0, 'standby off';
settled('planned');

# --- an event, and how long it was until requests were answered again
sub survives {
    my ($what, $begin, $end) = @_;
    my $name  = eventually(sub { $cluster->holder });
    my $began = time;
    $begin->($name);
    ok meanwhile(sub { my $now = $cluster->holder; $now && $now ne $name && $load->since($began)->{all} > 0 && $load->since(time - 1)->{failed} == 0 && $load->since(time - 1)->{gap} < 0.9 }),
        "$what: requests are answered again" or diag $load->since(time - 1)->{why};
    my $was = $load->outcome($began);
    cmp_ok $was->{gap}, '<=', $BACK, sprintf '%s: none for %.2f s, of which 3.6 s are keepalived\'s; requests=%d failed=%d (%s)', $what, @$was{qw(gap all failed why)};
    $end->($name);
    ok meanwhile(sub { $cluster->is_whole }, 90), 'Redis is whole again';
    settled($what);
}
survives('a node is killed', sub { $cluster->crash($_[0]) }, sub { $cluster->boot($_[0]) });
survives('its cable is pulled', sub { $cluster->host($_[0])->unplug }, sub { $cluster->host($_[0])->plug });

# --- the primary of Redis
my $primary = eventually(sub { $cluster->primary });
($began, $moves) = (time, $cluster->moves);
$cluster->{redis}{$primary}->kill_hard;
ok meanwhile(sub { my $now = $cluster->primary; $now && $now ne $primary }), 'the primary of Redis is killed: there is another';
note sprintf 'elected after %.1f s', time - $began;
served('requests do not notice', $began, $moves);
settled('without that Redis');
$cluster->start_redis($primary);
ok meanwhile(sub { $cluster->is_whole }, 90), 'it is back, as a replica';
settled('and with it');

# --- rolling upgrade
($began, $moves) = (time, $cluster->moves);
for my $name ($cluster->names) {
    is $cluster->typed($name, 'dynproxyctl upgrade'), 0, "upgrade of $name" or diag $cluster->{said};
    is $cluster->typed($name, 'curl -fsS http://127.0.0.1:8081/readyz'), 0, 'it is ready' or diag $cluster->{said};
}
served('rolling upgrade', $began, $moves);
settled('rolling upgrade');

# --- a node from nothing
my $file = File::Temp->new;
printf $file qq({"tool":"many%d","pattern":".*","canonical":false,"destinations":["http://10.97.%d.%d:%d"]}\n), $_, $_ / 25000, $_ / 100 % 250, 1024 + $_ % 100 for 1 .. $ROUTES;
close $file;
my $holder = eventually(sub { $cluster->holder });
my $other = (grep { $_ ne $holder } $cluster->names)[0];
my $node = $cluster->node($holder);
is $node->ctl('import', "$file"), 0, "$ROUTES tools more" or diag substr $node->err, 0, 500;
settled('many tools');
$cluster->crash($other);
is $cluster->typed($other, 'rm -rf /var/lib/dynproxy'), 0, "$other: all is lost";
mkdir $cluster->node($other)->{dir} . '/state', 0700;
$cluster->{redis}{$other}->forget;
ok meanwhile(sub { $cluster->primary && $cluster->primary ne $other }), 'the others are one without it';
$began = time;
$cluster->boot($other);
settled('built from nothing', $began);
my $peer = (grep { $_ ne $other } $cluster->names)[0];
$cluster->typed($other, 'dynproxyctl diff proxy1') if $other ne 'proxy1';
is $cluster->typed($other eq 'proxy1' ? $peer : $other, 'dynproxyctl diff proxy1'), 0, 'diff says the same' or diag $cluster->{said};
is $cluster->told($other)->{table}{names}, $cluster->told($peer)->{table}{names}, $cluster->told($peer)->{table}{names} . ' names';

is $cluster->typed($other, $_), 0, $_ for 'dynproxyctl doctor', 'dynproxyctl status';
is_deeply [$cluster->untyped], [], 'every command of dynproxy-cluster(7) was typed';
is_deeply [$cluster->unwritten], [], 'and no other one';
$load->finish;
cmp_ok $tools->{died}, '>', 10, "$tools->{died} tools died meanwhile";
done_testing;
