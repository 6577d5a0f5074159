# A large body goes through a pipe and comes out as it was: byte for byte when
# the client is slow, cut where the backend cuts it, and nothing that follows
# it reaches the next request (2-http.md 2.4).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use BothEnds;

my $SIZE = 3_000_000;
my $body = join '', map { pack 'N', $_ } 1 .. $SIZE / 4;
my $head = "HTTP/1.1 200 OK\r\nContent-Length: $SIZE\r\n\r\n";
my $get  = "GET / HTTP/1.1\r\nHost: alpha.example.test\r\n\r\n";

my $proxy = DynProxy->new(tools => ['alpha']);
my $ends  = BothEnds->new($proxy);
is $proxy->register('alpha', '.*', $ends->url), 'ok', 'a tool';

my $pipes_before = $proxy->pipes;

sub body_of { my (undef, $got) = split /\r\n\r\n/, $_[0]{in}, 2; return $got // '' }

sub answer {
    my ($script, $want) = @_;
    return $ends->talk(send => [$get], script => $script,
        enough => sub { length(body_of($_[0])) >= $want });
}

for my $case (['in one piece', $head . $body], ['in odd pieces', $head, map { substr $body, $_ * 30_011, 30_011 } 0 .. 99]) {
    my ($what, @script) = @$case;
    ok body_of(answer(\@script, $SIZE)) eq $body, "byte for byte, $what";
}
cmp_ok $proxy->pipes, '>', $pipes_before, 'through a pipe';

my $more = answer([$head . $body . "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"], $SIZE);
is length(body_of($more)), $SIZE, 'what follows it does not come';
is body_of(answer(["HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood"], 4)), 'good', 'nor does the next request get it';

my $cut = $ends->talk(send => [$get], script => [$head . substr($body, 0, 1_000_000), CLOSE]);
is $cut->{end}, 'reset', 'a client sees that it was cut';

# Nobody reads: the pipe waits.  Then somebody does, or never will.
my $backend = $proxy->backend;
is $proxy->register('alpha', '.*', $backend->url), 'ok', 'another backend';
my $want = 100_000_000;
(my $large = $get) =~ s{/}{/bytes/$want};
my $slow = $proxy->connect;
print $slow $large;
eventually(sub { $proxy->pipes > $pipes_before }) or diag 'no pipe';
my ($got, $seen) = (0, '');
until ($seen =~ /\r\n\r\n/ && $got >= $want + index($seen, "\r\n\r\n") + 4) {
    my $n = $slow->sysread(my $piece, 1 << 20) or last;
    $got += $n;
    $seen .= substr $piece, 0, 500 if length $seen < 500;
}
is $got - index($seen, "\r\n\r\n") - 4, $want, 'a client that was slow at first gets all of it';
close $slow;

for (1 .. 40) {
    my $gone = $proxy->connect;
    print $gone $large;
    $gone->sysread(my $piece, 1000);
    close $gone;
}
ok eventually(sub { $proxy->pipes <= $pipes_before + 2 * 16 }), 'no pipes are lost with clients that leave';
done_testing;
