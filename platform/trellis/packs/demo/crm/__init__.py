"""The demo of pack ``crm``: a maker of factory software sells in China and abroad, over two years up to today.

Accounts arrive, a part of them as leads of campaigns; good channels bring better leads. Deals move through their stages at
the pace of the customer's tier, with calls, visits and mails before each move and tasks after it. Some are late, a few are big.
"""

from __future__ import annotations

from trellis.packs.demo.crm.accounts import add_accounts
from trellis.packs.demo.crm.activities import add_deal_activities, add_lead_activities, add_notes
from trellis.packs.demo.crm.campaigns import add_campaigns, add_members
from trellis.packs.demo.crm.deals import add_deals
from trellis.packs.demo.crm.leads import add_converted_leads, add_leads
from trellis.packs.demo.crm.products import add_products
from trellis.packs.demo.crm.team import add_team
from trellis.packs.demo.record import Story


def tell(story: Story) -> None:
    """Add all records of the demo to ``story``."""
    team = add_team(story)
    products = add_products(story, team)
    campaigns = add_campaigns(story, team)
    customers = add_accounts(story, team, campaigns)
    deals = add_deals(story, customers, products)
    leads = add_converted_leads(story, team, customers, deals) + add_leads(story, team, campaigns)
    add_members(story, campaigns, leads, customers)
    add_deal_activities(story, deals)
    add_lead_activities(story, leads)
    add_notes(story, deals)
