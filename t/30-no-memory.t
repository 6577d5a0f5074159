# Whichever allocation fails, in a worker or in the registrar: nobody crashes,
# nobody hangs, and the next request is served (7-security.md 7.6).  Samples;
# `make soak-faults` tries each of the first 5,000; FAULTS=1500-2000 of them, and
# FAULTS_OF=worker, are a part of that.
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use Faults;

my $faults = Faults->new;

# What a failed allocation may do to the log: lines, but nobody's end.
my $proxy = DynProxy->new(tools => [qw(alpha beta)], tls => ["*.$DynProxy::DOMAIN"], conf => { https_redirect => "off", lease_grace => "1s" }, program => $faults->program, expect => qr/^<3>(?!.*(?:child-|Assertion))/);
my $backend = $proxy->backend(text => 'x' x 3000);
is $proxy->register('alpha', '.*', $backend->url), 'ok', 'a tool';
is $proxy->get('alpha', '/')->status, 200, 'is served';

my $text = 'body ' x 4000;
my %round = (
    worker => sub {
        my @answers = (
            $proxy->get('alpha', '/bytes/3000', headers => { 'Accept-Encoding' => 'gzip' }),
            $proxy->request('POST', 'alpha', '/echo', body => $text),
            $proxy->get('alpha', '/chunked/30000'),
            $proxy->get('nobody', '/', headers => { Accept => 'text/html' }),
        );
        my @tls = map { ($proxy->curl('alpha', '/', @$_, qw(-m 10 -s -o /dev/null -w %{http_code})))[0, 1] } ['--http1.1'], ['--http2'];
        return "curl has to wait" if grep { $_ eq 28 } @tls[0, 2];
        # all of it, or an error of ours, or an end
        return grep { $_->status && $_->status !~ /^(?:200|404|50[023])$/ } @answers;
    },
    registrar => sub {
        my @answers = eval {(
            $proxy->register('beta', '/x.*', $backend->url),
            $proxy->unregister('beta', '/x.*'),
        )};
        $proxy->admin('/list');
        $proxy->ctl('list');
        return grep { !/^(?:ok|fail.*|)$/s } @answers;
    },
);
my %good = (
    worker    => sub { $proxy->get('alpha', '/')->status == 200 },
    registrar => sub { $proxy->register('beta', '.*', $backend->url) eq 'ok' && $proxy->admin('/list')->status == 200 },
);

my ($first, $last) = ($ENV{FAULTS} // '') =~ /^(?:(\d+)-)?(\d+)$/;
for my $role ($ENV{FAULTS_OF} // sort keys %round) {
    $round{$role}->();
    my $many = 1_000_000;
    $faults->fail($role, $many);
    my @bad = $round{$role}->();
    my $calls = $many - $faults->left($role);
    is "@bad", '', "$role: a round without a fault";
    cmp_ok $calls, '>', 10, "$calls allocations";
    my $end  = $last // $calls;
    my $step = $last ? 1 : 1 + int $end / 60;
    my ($died, $bad, $tried) = ('', '', 0);
    for (my $n = $first // 1; $n <= $end && !$died && !$bad; $n += $step) {
        $faults->fail($role, $n);
        for (1 .. 1 + $n / $calls) {
            my @odd = $round{$role}->();
            $bad = "at $n: @odd" if @odd;
        }
        $faults->fail($role, 0);
        $tried++;
        $bad ||= "at $n: not served any more" if !eventually($good{$role}, 5);
        $died = "at $n: $1" if $proxy->log =~ /(child-(?:died|ended).*)/;
    }
    is $died, '', "$role: nobody's end, of $tried faults";
    is $bad,  '', 'a proper answer or none';
}

# A lease that is refused, or whose connection ends, is nobody's route.
sub leased { return scalar grep { $_->{pattern} eq '/lease' } @{ $proxy->ctl_json('list') } }
sub registered { return scalar(() = $proxy->log =~ m{route-registered name=beta route=/lease }g) }
sub counted { my $m = $proxy->metrics; my $n = 0; $n += $m->{$_} for grep { /^dynproxy_registrations_total\{verb="lease"/ } keys %$m; return $n }
sub lease {
    my ($n) = @_;
    my $socket = $proxy->connect_as('beta');
    $faults->fail(registrar => $n);
    my $answer = DynProxy::say_on($socket, 'lease', '/lease', $backend->url);
    my $left = $faults->left('registrar');
    $faults->fail(registrar => 0);
    return ($answer, $n - $left);
}
my ($refused, $stays, $uncounted, undef, $calls) = (0, '', '', lease(1_000_000));
ok eventually(sub { !leased() }), 'a lease ends with its connection';
for my $n (1 .. $calls, 1 .. $calls) {
    my ($before, $was) = (counted(), registered());
    my ($answer) = lease($n);
    $refused += $answer ne 'ok';
    $stays ||= "at $n: $answer" if !eventually(sub { !leased() }, 5);
    $uncounted ||= "at $n: $answer" if $answer =~ /^fail: / && registered() > $was && counted() == $before;
}
cmp_ok $refused, '>', 0, "$refused faults refuse one";
is $stays, '', 'none leaves a route';
is $uncounted, '', 'and each that came so far is counted';
done_testing;
