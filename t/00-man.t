# Every setting is in dynproxy.conf(5) and in the file as shipped, with its
# default, and nothing else is; every reason and every event of the log is in
# dynproxy-errors(7), or in the page of the program that logs it; every command
# of dynproxyctl with its options, and every column of its tables, in
# dynproxyctl(8); manual pages are clean.
use v5.26;
use warnings;
use Test::More;

sub slurp {
    my ($path) = @_;
    open my $fh, '<', $path or die "$path: $!";
    local $/;
    return <$fh>;
}

# name => default, from the table that the parser uses
my %table;
my @order;
my ($rows) = slurp('conf/directives.c') =~ /^const struct directive directives\[\] = \{(.*?)^\};/ms;
while ($rows =~ /\{ "(\w+)",(.*?)\.help/gs) {
    my ($name, $row) = ($1, $2);
    my ($preset) = $row =~ /\.preset = ((?:\s*"[^"]*")+)/ or die "$name has no default";
    $table{$name} = join '', $preset =~ /"([^"]*)"/g;
    push @order, $name;
}
cmp_ok scalar(@order), '>', 40, 'the table of settings is found';

# .It Cm NAME No = ...   up to   Default: / .Ql VALUE .
my %page;
for (split /^(?=\.It Cm )/m, slurp('man/dynproxy.conf.5')) {
    my ($name) = /^\.It Cm (\w+) No =/ or next;
    $page{$name} = /^Default:\n\.Ql (.*) \.$/m ? $1 : /^Default:\nnothing\.$/m ? '' : undef;
}
is_deeply \%page, \%table, 'dynproxy.conf(5) has each of them, with its default';

# #NAME = VALUE   # what for
my %file;
my $shipped = slurp('conf/dynproxy.conf');
while ($shipped =~ /^#(\w+) = ("[^"]*"|\{.*?\}|\w+)/mg) {
    my ($name, $value) = ($1, $2);
    $value =~ s/["{}]//g;
    $file{$name} = $value;
}
is_deeply \%file, \%table, 'so has the file as shipped';
unlike $shipped, qr/^[^#\n]/m, 'which sets nothing';

# dynproxyctl(8) has each command, with its options, in words of its own
sub options { return join ' ', sort grep { $_ ne '-' } map { split /\|/ } @_ }
my (%command, %entry, %shown, %columns);
my ($commands) = slurp('tools/dynproxyctl.c') =~ /\} commands\[\] = \{(.*?)^\};/ms;
while ($commands =~ /\{ "([a-z]+)", "([^"]*)",/g) {
    my ($name, $operands) = ($1, $2);
    $command{$name} = options($operands =~ /(?<![\w-])(-[-\w]+)/g);
}
my $ctl_page = slurp('man/dynproxyctl.8');
my ($described, $options) = $ctl_page =~ /^The commands are:\n(.*)^\.Sh OPTIONS\n(.*)^\.Sh ENVIRONMENT/ms;
while ($described =~ /^\.It Cm ([a-z]+)(.*)$/mg) {
    my ($name, $operands) = ($1, $2);
    $entry{$name} = options(map { "-$_" } $operands =~ /Fl (\S+)/g);
}
cmp_ok scalar(keys %command), '>', 30, 'the table of commands is found';
is_deeply \%entry, \%command, 'dynproxyctl(8) has each of them, with its options';

# and each column of the tables, as has the completion of --columns
for (map { slurp($_) } glob 'tools/ctl_*.c') {
    while (/^const struct ctl_column ctl_columns_\w+\[\] = \{\n(.*?)^\};/msg) {
        my @names = "$1" =~ /\.name = "(\w+)"/g;
        $columns{ join ' ', sort @names } = 1;
        $shown{$_} = 1 for @names;
    }
}
cmp_ok scalar(keys %columns), '>', 4, 'the tables are found';
my %named;
for (split /^(?=\.It )/m, "$options" =~ s/.*^\.It Fl -columns//msr) {
    $named{ join ' ', sort map { grep { /\w/ } split / , | ?,? / } /^\.Sy (.*)$/mg } = 1 if /^\.It Cm.*^\.Sy/ms;
}
is_deeply \%named, \%columns, 'it has the columns of each';
for my $completion ('conf/completion/dynproxyctl.bash', 'conf/completion/_dynproxyctl') {
    my ($words) = slurp($completion) =~ /\b(age backend canonical[\w\s\\]*?url worker)\b/;
    is_deeply { map { $_ => 1 } grep { /\w/ } split /[\s\\]+/, $words }, \%shown, "$completion completes them";
}

# dynproxy-metrics(7) has each metric, with its type and help
my (%metric, %told);
for my $file (qw(registrar/metrics.c registrar/metrics_node.c registrar/metrics_process.c registrar/metrics_tools.c)) {
    my $code = slurp($file);
    while ($code =~ /\{ "((?:dynproxy|process)_\w+)", "(\w+)",\s*((?:"[^"]*"\s*)+),/g) {
        my ($name, $type, $help) = ($1, $2, $3);
        $metric{$name} = "$type: " . join '', $help =~ /"([^"]*)"/g;
    }
}
my $metrics_page = slurp('man/dynproxy-metrics.7');
$told{$1} = "$2: $3" while $metrics_page =~ /^\.It Sy (\w+) Pq (\w+)\n(.*)$/mg;
cmp_ok scalar(keys %metric), '>', 15, 'the tables of metrics are found';
is_deeply \%told, \%metric, 'dynproxy-metrics(7) has each of them';

# dynproxy-errors(7) has each reason, with its status, under whose trouble it is
my $errors_page = slurp('man/dynproxy-errors.7');
my ($page_reasons, $page_events) = $errors_page =~ /^\.Sh REASONS\n(.*)^\.Sh EVENTS\n(.*)^\.Sh SEE/ms;
my %whose = ("The client's" => 'CLIENT', "The tool's" => 'TOOL', "The platform's" => 'PLATFORM', "Nobody's" => 'NOBODY');
my (%reason, %explained);
my $reasons = slurp('http/reason.c');
$reason{$1} = "$2 $3" while $reasons =~ /\{ "([a-z-]{2,})",\s*(\d+),\s*VOICE_(\w+),/g;
for (split /^(?=\.Ss )/m, $page_reasons) {
    my ($voice) = /^\.Ss (.*)/ or next;
    $explained{$1} = "$2 $whose{$voice}" while /^\.It Sy ([a-z-]+) Pq (\d+)\n(?!\.It|\.El)/mg;
}
cmp_ok scalar(keys %reason), '>', 30, 'the table of reasons is found';
is_deeply \%explained, \%reason, 'dynproxy-errors(7) has each of them';

# the second argument of each log_event(), which may choose between two
my $string = qr/"(?:[^"\\]|\\.)*"/;
my $nested = qr/(\((?:[^()"]|$string|(?-1))*\))/;
my $argument = qr/(?:[^(),"]|$string|$nested)*/;
sub events_of {
    my ($file) = @_;
    my $code = slurp($file);
    my @events;
    while ($code =~ /\b(?:log_event\($argument|note_refused\($argument,$argument),(?<event>$argument)/g) {
        push @events, $+{event} =~ /"([^"]*)"/g;
    }
    return @events;
}
my %event = map { $_ => 1 } map { events_of($_) } glob '{lib,http,conf,shm,route,worker,registrar,master}/*.c';
my %listed = map { $_ => 1 } map { split / , / } $page_events =~ /^\.It Sy (.*)/mg;
cmp_ok scalar(keys %event), '>', 80, 'the events of the log are found';
is_deeply \%listed, \%event, 'dynproxy-errors(7) has each of them, too';

# and a program that runs beside it has its own in its own page
my %runs_on = (
    'dynproxy-domains' => '{dynproxy_domains,domains_*,jsonfile}',
    kube2proxy         => '{kube2proxy,kube2proxy_routes,kube_watch}',
    webservicemonitor  => 'webservicemonitor',
);
for my $program (sort keys %runs_on) {
    my %said = map { $_ => 1 } map { events_of($_) } glob "tools/$runs_on{$program}.c";
    my ($diagnostics) = slurp("man/$program.8") =~ /^\.Sh DIAGNOSTICS\n(.*?)^\.Sh /ms;
    my %told = map { $_ => 1 } map { split / , / } $diagnostics =~ /^\.It Sy (.*)/mg;
    is_deeply \%told, \%said, "$program(8) has each of its events";
}

# mandoc.db knows our own pages only once they are installed
for my $page (glob 'man/*.[1-9]') {
    my @faults = grep { !/referenced manual not found|mandoc\.db/ } `mandoc -T lint -W style $page 2>&1`;
    is "@faults", '', "$page is clean";
}
my @pages = map { m{man/(.*)\.(\d)$} ? "$1 $2" : () } glob 'man/*.[1-9]';
for my $page (glob 'man/*.[1-9]') {
    my @unknown = grep { my $x = $_; !grep { $_ eq $x } @pages, 'glob 7', 'goaccess 1', 'identd 8', 'pcre2pattern 3', 'valgrind 1', 'capabilities 7', 'landlock 7', 'seccomp 2', 'ssh 1', 'sudo 8', 'syslog 3', 'systemd 1' }
        slurp($page) =~ /^\.Xr (\S+ \d)/mg;
    is "@unknown", '', "$page refers to pages that are";
}
done_testing;
