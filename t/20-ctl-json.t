# --json, of every command of dynproxyctl there is: one value, or a line each,
# and nothing else on standard output (4-operations.md 4.2).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use File::Temp;
use JSON::PP;

my $scratch = File::Temp->newdir;
chmod 0777, $scratch;
my $proxy = DynProxy->new(tools => ['alpha'], conf => { access_log => qq("$scratch/access.log") });
my $backend = $proxy->backend;
is $proxy->register('alpha', '.*', $backend->url), 'ok', 'a tool';
my $lease = $proxy->lease('alpha', '/leased', $backend->url);
is $proxy->ctl('export'), 0, 'its routes';
open my $fh, '>', "$scratch/routes" or die $!;
print $fh $proxy->out;
close $fh;

# command => operands; whether its answer is a value, or lines
my @one = (
    status       => [],          list        => [],           list   => ['alpha'],
    explain      => ['http://alpha.example.test/'],
    add          => ['beta', '.*', $backend->url],            del    => ['beta'],
    stale        => [],          scrub       => ['-n'],       scrub  => [],
    drain        => [$backend->addr],            undrain      => [$backend->addr],
    import       => ["$scratch/routes"],
    registration => [],          registration => ['off', '--reason', 'a "reason"'],
    registration => [],          registration => ['on'],
    tool         => ['alpha'],   top          => [],          top    => ['--once'],
    doctor       => [],
    ban          => ['192.0.2.0/24'],            bans         => [], unban => ['192.0.2.0/24'],
    block        => ['agent', 'x"'],             blocks       => [], unblock => ['agent', 'x"'],
    maintenance  => ['on', 'alpha', '--for', '1h'], maintenance => [], maintenance => ['off', 'alpha'],
    standby      => [],          standby      => ['on'],      standby => ['off'],
    reopen       => [],          reload       => [],          upgrade => [],
);
my @lines = (export => [], import => ['-n', "$scratch/routes"], registrations => [], sessions => []);
my $refused = 'believe';                  # nothing is held; see t/30-held.t
my @followed = ('watch', 'tail');         # until interrupted; see t/20-ctl-routes.t
my $other = 'diff';                       # needs another node; see t/30-diff.t

sub says {
    my ($want, $command, @operands) = @_;
    $proxy->settled if $command eq 'upgrade';    # or workers may still drain
    is $proxy->ctl('--json', $command, @operands), 0, "$command @operands" or diag $proxy->err;
    my @values = $want eq 'lines' ? split /\n/, $proxy->out : $proxy->out;
    is scalar(grep { !eval { JSON::PP->new->utf8->decode($_) } } @values), 0, "  is JSON, as $want" or diag $proxy->out;
}
my %seen = map { $_ => 1 } $refused, @followed, $other;
while (my ($command, $operands) = splice @one, 0, 2) {
    says('one value', $command, @$operands);
    $seen{$command} = 1;
}
while (my ($command, $operands) = splice @lines, 0, 2) {
    says('lines', $command, @$operands);
    $seen{$command} = 1;
}
is $proxy->ctl('--json', 'believe'), 1, 'what is refused';
is $proxy->out, '', '  has nothing there';
is $proxy->ctl_json('import', "$scratch/routes")->{imported}, 2, 'what was imported';
says('one value', 'stop');
$seen{stop} = 1;
ok eventually(sub { $proxy->is_dead }), 'it has ended';
$proxy->ctl('--help');
is_deeply [sort grep { !$seen{$_} } $proxy->out =~ /^  ([a-z]+) /mg], [], 'there is no other command';
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
