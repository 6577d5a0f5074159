# Alert rules and dashboard are what promtool and Grafana can read, name metrics
# and reasons that there are, and each alert names its entry in dynproxy-errors(7).
use v5.26;
use warnings;
use Test::More;
use JSON::PP;

sub slurp {
    my ($path) = @_;
    open my $fh, '<', $path or die "$path: $!";
    local $/;
    return <$fh>;
}

my %metric = map { $_ => 1 } slurp('man/dynproxy-metrics.7') =~ /^\.It Sy (\w+) Pq/mg;
my %entry = map { $_ => 1 } map { s/ Pq \d+$//r } map { split / , / } slurp('man/dynproxy-errors.7') =~ /^\.It Sy (.*)/mg;
$metric{"${_}_bucket"} = 1 for slurp('man/dynproxy-metrics.7') =~ /^\.It Sy (\w+) Pq histogram/mg;

sub names_what_there_is {
    my ($what, @expressions) = @_;
    cmp_ok scalar(@expressions), '>', 10, "$what has expressions";
    is_deeply [grep { !$metric{$_} } map { /\b((?:dynproxy|process)_\w+)/g } @expressions], [], "$what: its metrics are";
    is_deeply [grep { !$entry{$_} } map { split /\|/ } map { /reason=~?"([^"\$]*)"/g } @expressions], [], "$what: its reasons are";
}

my $rules = 'conf/monitoring/dynproxy-alerts.yml';
is `promtool check rules $rules 2>&1 >/dev/null`, '', 'promtool check rules';
is $?, 0, 'is content';
is `promtool test rules t/alerts.yml 2>&1 | grep -v '^Unit Testing\\|SUCCESS\\|^\$'`, '', 'they tell what they should';
my $text = slurp($rules);
names_what_there_is('rules', $text =~ /^ +expr: ((?:>-\n(?: {10}.*\n)+)|.*\n)/mg);
for my $alert (split /^(?= +- alert:)/m, $text) {
    my ($name) = $alert =~ /- alert: (\w+)/ or next;
    my ($page) = $alert =~ /^ +manual: dynproxy-errors\(7\), ([a-z-]+)$/m;
    ok $page && $entry{$page}, "$name: its entry is";
}

my $dashboard = decode_json(slurp('conf/monitoring/dynproxy-dashboard.json'));
my (%seen, %place);
for my $panel (@{ $dashboard->{panels} }) {
    my $at = $panel->{gridPos};
    ok !$seen{ $panel->{id} }++, "$panel->{title}: a number of its own";
    my @taken = grep { $place{$_}++ } map { my $y = $_; map { "$_,$y" } $at->{x} .. $at->{x} + $at->{w} - 1 } $at->{y} .. $at->{y} + $at->{h} - 1;
    is scalar(@taken), 0, "$panel->{title}: and a place";
}
names_what_there_is('dashboard', map { $_->{expr} } map { @{ $_->{targets} // [] } } @{ $dashboard->{panels} });
done_testing;
