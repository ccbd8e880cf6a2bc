# A server with two sandbox sellers, in a terminal of its own:
#
#   make serve
#
# Then, in another terminal, in the same folder: a key, and how every call is made.
KEY=$(.venv/bin/buyside keys create --account demo)
API=http://127.0.0.1:8080/api/v2/buyer
call() { curl -sS -w '\n' -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" "$@"; }
pick() { python3 -c "import json, sys; print(json.load(sys.stdin)$1)"; }

# Whose brand is promoted, and in which currency.
ADVERTISER=$(call $API/advertisers \
  -d '{"name": "Cold Brew Co", "brand": "coldbrew.example", "primaryCurrency": "USD", "sandbox": true}' | pick "['id']")

# What the sellers offer for a brief.
DISCOVERY=$(call $API/discovery/discover-products \
  -d '{"advertiserId": '$ADVERTISER', "brief": "Summer launch of a cold brew coffee", "channels": ["display", "olv"]}' |
  pick "['discoveryId']")

# One product of each seller, with a budget.
call $API/discovery/$DISCOVERY/products -d '{"products": [
  {"productId": "sandbox_news_display_reach", "budget": 3000},
  {"productId": "sandbox_streams_olv_preroll", "budget": 2000}]}'

# A campaign with both: a DRAFT, nothing is bought yet.
TODAY=$(date -u +%Y-%m-%d) NEXT_YEAR=$(($(date -u +%Y) + 1))
CAMPAIGN=$(call $API/campaigns -H "X-Reason: summer launch" -d '{"advertiserId": '$ADVERTISER', "name": "Cold brew summer",
  "flightDates": {"startDate": "'$TODAY'", "endDate": "'$NEXT_YEAR'-03-31"},
  "budget": {"total": 5000, "currency": "USD"}, "discoveryId": "'$DISCOVERY'"}' | pick "['campaign']['campaignId']")

# A creative for each: a banner by its landing page, a video by its VAST tag.
FORMATS=https://creative.adcontextprotocol.org
call $API/campaigns/$CAMPAIGN/creatives/create -d '{"name": "Banner",
  "format_id": {"agent_url": "'$FORMATS'", "id": "display_300x250_tag"},
  "url_asset": {"url": "https://coldbrew.example/summer", "url_type": "clickthrough"}}'
call $API/campaigns/$CAMPAIGN/creatives/create -d '{"name": "Spot",
  "format_id": {"agent_url": "'$FORMATS'", "id": "video_vast"},
  "url_asset": {"url": "https://ads.coldbrew.example/summer.xml", "url_type": "vast"}}'

# Buy: this commits the money. Then ask the sellers how both buys stand.
call -X POST $API/campaigns/$CAMPAIGN/execute -H "X-Reason: approved by the client"
call $API/campaigns/$CAMPAIGN/media-buy-status

# Three days pass at the sandbox sellers, and something was delivered.
for N in 0 1; do
  SHOP=$(call $API/storefronts | pick "['items'][$N]['id']")
  SELLER=$(call $API/storefronts/$SHOP | pick "['sources'][0]['endpointUrl'].rsplit('/', 1)[0]")
  curl -sS -w '\n' -d '{"advance_seconds": 259200}' $SELLER/_sandbox/clock
done
for N in 0 1; do
  BUY=$(call $API/campaigns/$CAMPAIGN | pick "['campaign']['mediaBuyRefs'][$N]['mediaBuyId']")
  call $API/media-buys/$BUY/packages
done

# Stop the spending, go on, and read who did what and why.
call -X POST $API/campaigns/$CAMPAIGN/pause -H "X-Reason: checking the landing page"
call -X POST $API/campaigns/$CAMPAIGN/reactivate -H "X-Reason: the landing page is fine"
call "$API/decisions?campaignId=$CAMPAIGN"
