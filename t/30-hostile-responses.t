# A backend is as untrusted as a client: what it sends that is no HTTP is a 502
# or a message cut short, never a clean end; its connection is not used again;
# and another tool, served by the same process, does not notice (2-http.md 2.4).
# The table is in t/lib/HostileResponses.pm.
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use BothEnds;
use HostileResponses;
use Time::HiRes qw(time);

my $proxy = DynProxy->new(tools => ['alpha', 'beta'],
    conf => { response_timeout => '2s', backend_idle_timeout => '1m' });
my $ends = BothEnds->new($proxy);
is $proxy->register('alpha', '.*', $ends->url), 'ok', 'a hostile tool';
my $backend = $proxy->backend(text => 'unhurt');
is $proxy->register('beta', '.*', $backend->url), 'ok', 'and an honest one';

# --- the honest tool is asked all the time: how often, how often in vain
pipe my $told, my $tell or die $!;
pipe my $report, my $reporter or die $!;
my $load = fork // die $!;
if (!$load) {
    close $tell;
    my ($asked, $failed, $longest) = (0, 0, 0);
    my $socket = $proxy->connect;
    until (select my $ended = pack('b*', '0' x fileno($told) . '1'), undef, undef, 0.002) {
        my ($begin, $got) = (time, '');
        print $socket "GET / HTTP/1.1\r\nHost: beta.example.test\r\n\r\n";
        1 while $got !~ /\r\n\r\nunhurt\z/ && $socket->sysread($got, 4096, length $got);
        $asked++;
        $failed++ if $got !~ m{\AHTTP/1\.1 200 .*unhurt\z}s;
        $longest = time - $begin if time - $begin > $longest;
    }
    syswrite $reporter, "$asked $failed $longest\n";
    POSIX::_exit(0);
}
close $told;

# --- the table
sub request_of {
    my (%of) = @_;
    return sprintf "%s /case HTTP/1.%d\r\nHost: alpha.example.test\r\n%s\r\n",
        $of{method} // 'GET', $of{minor} // 1, $of{request} // '';
}

sub has_all {
    my ($client, $method) = @_;
    my $answer = DynProxy::Response->new($client->{in}, $method);
    return $answer->status >= 200 && $answer->complete && $answer->header('content-length')
        || ($method // '') eq 'HEAD' && $answer->status || $answer->status =~ /204|304/
        || $client->{in} =~ /\r\n0\r\n\r\n/;
}

# Everything came, and one can see that this was all.
sub is_clean_end {
    my ($client, $answer) = @_;
    return 0 if $client->{in} eq '' || !$answer->complete || $answer->status < 200;
    return 0 if ($answer->reason // '') eq 'backend-closed';
    return 1 if defined $answer->header('content-length') || defined $answer->header('transfer-encoding');
    return $client->{end} eq 'closed';    # to the end of the connection
}

# What is wrong with what came of it; '' if nothing is.
sub judged {
    my ($script, $want, %of) = @_;
    my @wrong;
    my $client = $ends->talk(send => [request_of(%of)], script => $script, at => $of{at},
        enough => sub { has_all($_[0], $of{method}) });
    my $answer = DynProxy::Response->new($client->{in}, $of{method});
    my $status = $answer->status;
    my $said   = $answer->reason // '';
    my $may_be = $want =~ /502/ && $status == 502 || $want =~ /cut/ && $status && !is_clean_end($client, $answer);
    if ($want =~ /whole/ && !$may_be) {
        push @wrong, "status $status $said" if $said || !$status;
        push @wrong, 'more than the body: ' . $answer->rest if $answer->rest ne '';
        push @wrong, 'the body is ' . $answer->body
            if $answer->body ne 'ok' && ($of{method} // '') ne 'HEAD' && $status !~ /204|304/;
    }
    push @wrong, 'the body is ' . $answer->body if $want eq 'okok' && $answer->body ne 'okok';
    push @wrong, "status $status $said" if $want =~ /^\d/ && ($status != $want || !$said);
    push @wrong, "a clean end: $client->{in}" if $want eq 'cut' && is_clean_end($client, $answer);
    push @wrong, 'not even a head' if $want eq 'cut' && !$status;
    push @wrong, 'the connection stays' if $want eq 'cut' && $client->{end} eq '' && !$said;
    push @wrong, 'evil came through' if $client->{in} =~ /evil/i;

    # which connections were used, and are they gone?
    my %used = map { $_->[0] => 1 } $ends->arrived;
    if (!$of{reused}) {
        push @wrong, 'its connection is still open'
            if !$ends->wait_until(sub { !grep { $used{ $_->{name} } && !$_->{end} } $ends->conns }, 5);
    }
    my $next = $ends->talk(send => ["GET /honest HTTP/1.1\r\nHost: alpha.example.test\r\nConnection: close\r\n\r\n"]);
    push @wrong, 'the next one was not served' if $next->{in} !~ m{\AHTTP/1\.1 200 .*\r\n\r\nok\z}s;
    push @wrong, 'its connection was used again' if !$of{reused} && grep { $used{ $_->[0] } } $ends->arrived;
    # each case begins with a connection of its own
    $_->{socket} && close delete $_->{socket} for $ends->conns;
    $_->{end} ||= 'mine' for $ends->conns;
    return join '; ', @wrong;
}

cmp_ok scalar(@HostileResponses::CASES), '>=', 80, 'the table is long enough';
for my $case (@HostileResponses::CASES) {
    my ($what, $section, $script, $want, %of) = @$case;
    is judged($script, $want, %of), '', "$what ($section): $want";
    next if grep({ ref $_ && $$_ =~ /pause|silent/ } @$script) || length join('', @$script) > 1000;
    my @bytes = map { ref $_ ? $_ : map { ($_, PAUSE(0)) } split // } @$script;
    is judged(\@bytes, $want, %of), '', "$what, byte by byte: $want";
}

# --- a kept connection ends when it has a request: that one is sent again, but
# never one that may have been acted upon and is not idempotent
my $chunked = "Transfer-Encoding: chunked\r\n\r\n";
for my $case (
    [GET => "\r\n", 2], [PUT => "${chunked}0\r\n\r\n", 2], [DELETE => "Content-Length: 3\r\n\r\nabc", 2],
    [POST => "\r\n", 1], [POST => "Content-Length: 3\r\n\r\nabc", 1], [PATCH => "${chunked}3\r\nabc\r\n0\r\n\r\n", 1],
    [POST => "Content-Length: 0\r\n\r\n", 1], [POST => "${chunked}0\r\n\r\n", 1]) {
    my ($method, $rest, $times) = @$case;
    my @kept = grep { !$_->{end} } $ends->conns;
    $ends->talk(send => [request_of()], enough => sub { has_all($_[0]) }) if !@kept;
    my $client = $ends->talk(send => ["$method /again HTTP/1.1\r\nHost: alpha.example.test\r\nConnection: close\r\n$rest"], script => [CLOSE]);
    my $answer = DynProxy::Response->new($client->{in});
    is join(' ', scalar(grep { $_->[1] =~ m{^$method /again } } $ends->arrived), $answer->status, $answer->reason // '-'),
        $times == 2 ? '2 200 -' : '1 502 backend-closed-reused', "$method, $rest" =~ s/\r\n/ /gr;
}

close $tell;
my ($asked, $failed, $longest) = split ' ', <$report>;
waitpid $load, 0;
cmp_ok $asked, '>', 500, "meanwhile the other tool was asked $asked times";
is $failed, 0, 'and answered each time';
# who waits for a silent backend waits for the end of its case
cmp_ok $longest, '<', 10, sprintf 'within %.3f s', $longest;

done_testing;
