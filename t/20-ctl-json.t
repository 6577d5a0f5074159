# --json, of every command of dynproxyctl there is: one value, or a line each,
# and nothing else on standard output (4-operations.md 4.2), with the members
# that dynproxyctl(8) has.
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use File::Temp;
use JSON::PP;

my $scratch = File::Temp->newdir;
chmod 0777, $scratch;
my $proxy = DynProxy->new(tools => ['alpha'], conf => { access_log => qq("$scratch/access.log"), redirects => '{ "old.example new.example" }' });
my $backend = $proxy->backend;
is $proxy->register('alpha', '.*', $backend->url), 'ok', 'a tool';
my $lease = $proxy->lease('alpha', '/leased', $backend->url);
my $running = $proxy->connect;
print $running "GET /slow/60000 HTTP/1.1\r\nHost: " . $proxy->host('alpha') . "\r\n\r\n";
ok eventually(sub { $proxy->ctl('--json', 'sessions'), length $proxy->out }), 'a request is running';

is $proxy->ctl('export'), 0, 'its routes';
open my $fh, '>', "$scratch/routes" or die $!;
print $fh $proxy->out;
close $fh;

# command => operands; whether its answer is a value, or lines
my @one = (
    status       => [],          list        => [],           list   => ['alpha'],
    explain      => ['http://alpha.example.test/'],
    explain      => ['http://nobody.example.test/'],          explain => ['http://old.example/'],
    add          => ['beta', '.*', $backend->url],            del    => ['beta'],
    stale        => [],          scrub       => ['-n'],       scrub  => [],
    drain        => [$backend->addr],            undrain      => [$backend->addr],
    import       => ["$scratch/routes"],
    registration => [],          registration => ['off', '--reason', 'a "reason"'],
    registration => [],          registration => ['on'],
    tool         => ['alpha'],   top          => [],          top    => ['--once'],
    top          => ['unknown'],
    doctor       => [],
    ban          => ['192.0.2.0/24'],            bans         => [], unban => ['192.0.2.0/24'],
    block        => ['agent', 'x"'],             blocks       => [], unblock => ['agent', 'x"'],
    maintenance  => ['on', 'alpha', '--for', '1h'], maintenance => [], maintenance => ['off', 'alpha'],
    standby      => [],          standby      => ['on'],      standby => ['off'],
    wait         => ['ready'],   wait         => ['route', 'alpha', 'up'],
    reopen       => [],          reload       => [],          upgrade => [],
);
my @lines = (export => [], import => ['-n', "$scratch/routes"], registrations => [], sessions => []);
my $refused = 'believe';                  # nothing is held; see t/30-held.t
my @followed = ('watch', 'tail');         # until interrupted; see t/20-ctl-routes.t
my $other = 'diff';                       # needs another node; see t/30-diff.t

# What the page says of each: its members; and those that were seen.
my ($page) = DynProxy::slurp("$DynProxy::ROOT/man/dynproxyctl.8") =~ /^\.Sh JSON\n(.*)^\.Sh EXAMPLES/ms;
my (%group, %members, %met);
for (split /^(?=\.It )/m, $page) {
    my ($title) = /^\.It Cm (.*?)(?: Li \S+)?$/m or next;
    $group{$_} = $title for split / , /, $title =~ s/ Fl / -/gr;
    $members{$title} = join ' ', sort map { /\w+/g } /^\.Sy (.*)$/mg;
}
sub met {
    my ($value, $command, $operand) = @_;
    my $title = $group{ $command . ' ' . ($operand // '') } // $group{$command} // 'none';
    $met{$title}{$_} = 1 for map { keys %$_ } ref $value eq 'ARRAY' ? @$value : $value;
}

sub says {
    my ($want, $command, @operands) = @_;
    $proxy->settled if $command eq 'upgrade';    # or workers may still drain
    is $proxy->ctl('--json', $command, @operands), 0, "$command @operands" or diag $proxy->err;
    my @values = $want eq 'lines' ? split /\n/, $proxy->out : $proxy->out;
    my @understood = map { eval { JSON::PP->new->utf8->decode($_) } // () } @values;
    is scalar(@understood), scalar(@values), "  is JSON, as $want" or diag $proxy->out;
    cmp_ok scalar(@values), '>', 0, '  and there is some';
    met($_, $command, @operands) for @understood;
}
my %seen = map { $_ => 1 } $refused, @followed, $other;
while (my ($command, $operands) = splice @lines, 0, 2) {
    says('lines', $command, @$operands);
    $seen{$command} = 1;
}
while (my ($command, $operands) = splice @one, 0, 2) {
    says('one value', $command, @$operands);
    $seen{$command} = 1;
}
is $proxy->ctl('--json', 'believe'), 1, 'what is refused';
is $proxy->out, '', '  has nothing there';
is $proxy->ctl_json('import', "$scratch/routes")->{imported}, 2, 'what was imported';
says('one value', 'stop');
$seen{stop} = 1;
ok eventually(sub { $proxy->is_dead }), 'it has ended';
$proxy->ctl('--help');
my @commands = $proxy->out =~ /^  ([a-z]+) /mg;
is_deeply [sort grep { !$seen{$_} } @commands], [], 'there is no other command';
is_deeply [grep { !$group{$_} } @commands], [], 'dynproxyctl(8) says what each prints';
is join(' ', sort keys %{ $met{$_} }), $members{$_}, "$_: these members" for sort keys %met;
$proxy->start;

# for people, too, each says how it ended
for (['reload', qr/in force/], ['reopen', qr/new access log/], ['upgrade', qr/serves/]) {
    $proxy->settled;    # or workers may still drain
    is $proxy->ctl($_->[0]), 0, $_->[0];
    like $proxy->out, $_->[1], '  says how it ended';
    $proxy->settled;
    is $proxy->ctl('-q', $_->[0]), 0, "-q $_->[0]";
    is $proxy->out, '', '  does not';
}
done_testing;
