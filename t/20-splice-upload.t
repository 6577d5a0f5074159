# A large body of a request goes through a pipe and arrives as it was: byte for
# byte when the backend is slow, answered early or cut off when that happens,
# and nothing that follows it is taken for a part of it (2-http.md 2.4).
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use BothEnds;

my $SIZE = 3_000_000;
my $body = join '', map { pack 'N', $_ } 1 .. $SIZE / 4;
my $get  = "GET /next HTTP/1.1\r\nHost: alpha.example.test\r\n\r\n";

sub post { "POST /$_[0] HTTP/1.1\r\nHost: alpha.example.test\r\nContent-Length: $SIZE\r\n\r\n" }

my $proxy = DynProxy->new(tools => ['alpha']);
my $ends  = BothEnds->new($proxy);
is $proxy->register('alpha', '.*', $ends->url), 'ok', 'a tool';

my $pipes_before = $proxy->pipes;

# Bytes that were not read yet.
sub queued { ioctl $_[0], 0x541b, my $n = pack 'i', 0; return unpack 'i', $n }    # FIONREAD

# What reached the backend behind the head of the first request.
sub body_arrived { my (undef, $got) = split /\r\n\r\n/, $ends->bytes_arrived, 2; return $got // '' }

sub answers { my ($client) = @_; return () = $client->{in} =~ m{HTTP/1\.1 200}g }

my $head = post('one');
for my $case (['in one piece', $head . $body], ['in odd pieces', $head, map { substr $body, $_ * 30_011, 30_011 } 0 .. 99]) {
    my ($what, @pieces) = @$case;
    my $client = $ends->talk(send => \@pieces, enough => \&answers);
    is answers($client), 1, "answered, $what";
    ok body_arrived() eq $body, '... and it is byte for byte what was sent';
}
cmp_ok $proxy->pipes, '>', $pipes_before, 'through a pipe';

my $two = $ends->talk(send => [$head . $body . $get], enough => sub { answers($_[0]) == 2 });
is answers($two), 2, 'what follows is the next request';
is length(body_arrived() =~ s{GET /next .*}{}sr), $SIZE, '... and none of it is in the body';

my $early = $ends->talk(send => [$head, substr($body, 0, 1_000_000)], at => 'head',
    script => ["HTTP/1.1 413 No\r\nContent-Length: 4\r\n\r\nfull"]);
like $early->{in}, qr{^HTTP/1\.1 413 .*full\z}s, 'an answer before its end is passed on';
is $early->{end}, 'closed', '... and what is left is no request';

my $reset = $ends->talk(send => [$head, $body], at => 'head', script => [RESET],
    enough => sub { $_[0]{in} =~ /502/ });
like $reset->{in}, qr{^HTTP/1\.1 502 }, 'a backend that goes away in the middle is said so';

my $cut;
$ends->talk(send => [post('gone'), substr $body, 0, 2_000_000],
    enough => sub { ($cut) = grep { $_->{in} =~ m{^POST /gone .{50000}}s } $ends->conns });
ok $ends->wait_until(sub { $cut->{end} }), 'a backend sees that a client has left';
cmp_ok length($cut->{in}), '<', $SIZE, '... and does not get the rest from elsewhere';

# Nobody reads: the pipe waits.  Then somebody does.
my $want = 10 * $SIZE;
my $slow = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 64) or die "listen: $!";
is $proxy->register('alpha', '.*', 'http://127.0.0.1:' . $slow->sockport), 'ok', 'another backend';
my $sender = fork // die "fork: $!";
if (!$sender) {
    my $to = $proxy->connect;
    print $to post('slow') =~ s/$SIZE/$want/r, $body x 10;
    $to->sysread(my $answer, 4096);
    POSIX::_exit($answer =~ m{^HTTP/1\.1 200 } ? 0 : 1);
}
my $from = $slow->accept;
my $queued = 0;
eventually(sub { my $before = $queued; $queued = queued($from); $queued > 0 && $queued == $before }) or diag 'nothing waits';
my $got = '';
until (length $got > $want && length($got) - index($got, "\r\n\r\n") - 4 == $want) {
    $from->sysread($got, 1 << 20, length $got) or last;
}
ok substr($got, index($got, "\r\n\r\n") + 4) eq $body x 10, 'a backend that was slow at first gets all of it';
print $from "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
$from->flush;
waitpid $sender, 0;
is $?, 0, '... and answers';
close $from;

for (1 .. 40) {
    my $gone = $proxy->connect;
    print $gone $head, substr $body, 0, 200_000;
    my $conn = $slow->accept;
    close $gone;
}
ok eventually(sub { $proxy->pipes <= $pipes_before + 2 * 16 }), 'no pipes are lost with clients that leave';
done_testing;
