# A request on which two parsers could disagree is refused, reaches no backend,
# and ends its connection; whatever else arrives is written anew (2-http.md 2.4).
# The tables are in t/lib/HostileRequests.pm.
use FindBin;
use lib "$FindBin::Bin/lib";
use DynProxy;
use BothEnds;
use HostileRequests;

my $proxy = DynProxy->new(tools => ['alpha'],
    conf => { backend_idle_timeout => '1m' });
my $ends = BothEnds->new($proxy);
is $proxy->register('alpha', '.*', $ends->url), 'ok', 'a tool';

# An honest request: whatever was sent before it has arrived before it.
my $honest = 0;
sub honest {
    my $path = '/honest-' . ++$honest;
    my @before = $ends->arrived;
    my $client = $ends->talk(
        send => ["GET $path HTTP/1.1\r\nHost: alpha.example.test\r\nConnection: close\r\n\r\n"]);
    my $late = $ends->bytes_arrived;
    $ends->{arrived} = [@before, $ends->arrived];
    return $client->{in} =~ m{\AHTTP/1\.1 200 } && $late =~ m{\AGET \Q$path\E };
}

# Does it have the end of the message, or more than one?
sub whole_request {
    my ($bytes) = @_;
    return BothEnds::request_length($bytes, 'body') > 0 && $bytes !~ /^GET \/honest/;
}

my %how = (
    'at once'      => sub { [$_[0]] },
    'byte by byte' => sub {
        my $slow = substr $_[0], 0, 1500;
        return [split(//, $slow), unpack '(a1000)*', substr $_[0], length $slow];
    },
);

# What is wrong with what came of it; '' if nothing is.
sub refused {
    my ($bytes, $want, $pieces) = @_;
    my $left = $want eq 'closed' || $want eq 'gone';
    my $client = $ends->talk(send => $pieces, half => $left);
    my $answer = DynProxy::Response->new($client->{in});
    my $status = $answer->status;
    my @wrong;

    push @wrong, 'the connection is open' if $client->{end} eq '';
    push @wrong, "an answer: $status" if $left && $client->{in} ne '';
    push @wrong, "status $status" if $want eq 'cut' && $status && $status != 400;
    push @wrong, "status $status" if $want =~ /^\d/ && $status != $want;
    push @wrong, 'no Connection: close' if $status && ($answer->header('connection') // '') ne 'close';
    push @wrong, 'none of our reasons' if $status && !$answer->reason;
    push @wrong, 'not one whole answer' if $status && (!$answer->complete || $answer->rest ne '');
    my $sent = $ends->bytes_arrived;
    push @wrong, 'the next one was not served alone' if !honest();
    $sent = join '', map { $_->[1] } grep { $_->[1] !~ m{^GET /honest} } $ends->arrived;
    push @wrong, "the backend got: $sent" if $sent ne '' && $want !~ /cut|gone/;
    push @wrong, "the backend got a whole one: $sent" if whole_request($sent) || $sent =~ /smuggled/;
    return join '; ', @wrong;
}

cmp_ok scalar(@HostileRequests::REFUSED), '>=', 150, 'the table is long enough';
for my $case (@HostileRequests::REFUSED) {
    my ($what, $section, $bytes, $want) = @$case;
    is refused($bytes, $want, $how{$_}->($bytes)), '', "$what ($section): $want, $_" for sort keys %how;
}

# --- what passes
my $OURS = qr/^(?:X-Forwarded-(?:Host|Port|Proto)|X-Original-URI|X-Request-Id|traceparent|Via): [^\r]*\r\n/mi;

# A Via that came in stays, so only the last one is ours.
sub without_ours {
    my ($head, $body) = split /(?<=\r\n\r\n)/, $_[0], 2;
    my @lines = split /(?<=\r\n)/, $head // '';
    my ($own) = grep { $lines[$_] =~ /^Via: 1\.[01] dynproxy\r/ } reverse 0 .. $#lines;
    my $left = join '', map { $lines[$_] =~ $OURS && ($lines[$_] !~ /^Via/ || $_ == ($own // -1)) ? () : $lines[$_] } 0 .. $#lines;
    return $left . ($body // '');
}

# As one chunk, however it came.
sub one_chunk {
    my ($bytes) = @_;
    my ($head, $rest) = $bytes =~ /\A(.*?\r\n\r\n)(.*)\z/s or return $bytes;
    return $bytes if $head !~ /^Transfer-Encoding: chunked\r$/m;
    my $body = '';
    while ($rest =~ s/\A([0-9a-f]+)\r\n// && hex $1) { $body .= substr $rest, 0, hex $1, ''; $rest =~ s/\A\r\n// }
    return $head . ($body eq '' ? '' : sprintf "%x\r\n%s\r\n", length $body, $body) . "0\r\n$rest";
}

for my $case (@HostileRequests::ACCEPTED) {
    my ($what, $section, $bytes, $want, %has) = @$case;
    for my $how (sort keys %how) {
        my $client = $ends->talk(send => $how{$how}->($bytes),
            enough => sub { $_[0]{in} =~ /\r\n\r\nok\z/ });
        my $got = $ends->bytes_arrived;
        like $client->{in}, qr{\AHTTP/1\.1 200 }, "$what ($section), $how: accepted";
        my $plain = without_ours($got);
        $plain = one_chunk($plain) if $how eq 'byte by byte';
        is $plain, $want, 'and this is what arrives';
        like $got, $has{like}, 'with these of ours' if $has{like};
    }
}

# --- expectations: passed on, whoever may understand them
for my $expect ('100-continue', '100-Continue', 'a-pony', '100-continue, 200-ok') {
    my $client = $ends->talk(send => ["POST / HTTP/1.1\r\nHost: alpha.example.test\r\nExpect: $expect\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc"]);
    like $ends->bytes_arrived, qr/^Expect: \Q$expect\E\r$/m, "Expect: $expect is passed on";
    like $client->{in}, qr{\AHTTP/1\.1 200 }, 'and answered';
}

# --- a pipeline behind a good request ends at the first bad one
for my $case (grep { $_->[3] =~ /^4/ && length $_->[2] < 3000 } @HostileRequests::REFUSED) {
    my ($what, $section, $bytes, $want) = @$case;
    next if $bytes =~ /^\r\n\r\n/;
    my $client = $ends->talk(send => ["GET /first HTTP/1.1\r\nHost: alpha.example.test\r\n\r\n$bytes"]);
    my $first  = DynProxy::Response->new($client->{in});
    my $second = DynProxy::Response->new($first->rest);
    my @heads  = $ends->bytes_arrived =~ m{^([A-Z]+ \S+ HTTP)}mg;
    is join(' ', $first->status, $second->status, $second->rest, $client->{end} ? 'closed' : 'open', @heads),
        "200 $want  closed GET /first HTTP", "behind a good one: $what ($section)";
}

done_testing;
